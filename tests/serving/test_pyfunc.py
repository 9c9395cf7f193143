"""The service, as MLflow calls it: pictures for good requests, one sentence for others."""

import logging

import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from stylefuse.config import load_params
from stylefuse.serving.codec import decode
from stylefuse.serving.package import LIMITS, example, write_package
from stylefuse.serving.pyfunc import _load_pyfunc
from tests.serving.tiny import encoded, make_model, noise
from tests.test_config import SHIPPED


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pyfunc")
    limits = load_params(SHIPPED).serve.model_copy(update={"max_batch": 3, "max_pixels": 5000})
    write_package(make_model(folder / "model"), limits, folder / "packed")
    return folder / "packed"


@pytest.fixture(scope="module")
def service(packed):
    return _load_pyfunc(str(packed))


def request(*rows):
    return pd.DataFrame(rows, columns=["content", "style"])


def good():
    return (encoded(noise(40, 30)), encoded(noise(30, 30, seed=1), "JPEG"))


def test_the_package_is_data_only(packed):
    names = {path.name for path in packed.iterdir()}
    assert names == {"config.json", "generator.weights.h5", "manifest.json", LIMITS}


def test_each_row_is_painted(service):
    answer = service.predict(request(good(), good()), {"strength": 0.5, "size": 20})
    assert list(answer) == ["picture"]
    assert [decode(text).size for text in answer.picture] == [(20, 15)] * 2


def test_the_example_is_a_good_request(service, tmp_path):
    assert len(service.predict(pd.DataFrame(example(tmp_path)))) == 1


@pytest.mark.parametrize(
    ("frame", "params", "complaint"),
    [
        (request(), {}, "no rows"),
        (request(*[good()] * 4), {}, "4 rows, more than the 3 allowed"),
        (request(good()).drop(columns="style"), {}, "'style' is missing"),
        (request(good(), (None, good()[1])), {}, "row 2 of 2: content is no text"),
        (request((good()[0], 7)), {}, "row 1 of 1: style is no text"),
        (request(good(), (good()[0], "%%")), {}, "row 2 of 2: style is no valid base64"),
        (request((encoded(noise(100, 51)), good()[1])), {}, "row 1 of 1: content has 100×51"),
        (request(good()), {"strength": float("nan")}, "strength must be"),
        (request(good()), {"size": 10**9}, "more than the 2048"),
    ],
)
def test_a_clients_mistake_is_told_in_one_sentence(service, frame, params, complaint):
    with pytest.raises(MlflowException, match=complaint) as error:
        service.predict(frame, params)
    assert error.value.get_http_status_code() == 400
    assert "\n" not in error.value.message


def test_a_fault_of_ours_stays_in_the_log(service, monkeypatch, caplog):
    def fails(*_):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(service.painter, "paint", fails)
    with caplog.at_level(logging.ERROR), pytest.raises(MlflowException) as error:
        service.predict(request(good()))
    assert "secret" not in error.value.serialize_as_json()
    assert "secret" in caplog.text
