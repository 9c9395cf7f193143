"""The service, as MLflow calls it: pictures for good requests, one sentence for others."""

import base64
import io
import json
import logging

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from PIL import Image

from stylefuse.config import load_params
from stylefuse.images.base64 import decode
from stylefuse.images.statistics import statistics
from stylefuse.models.task import find_task
from stylefuse.monitoring.request_log import ANSWERED, FAILED, FILE, REFUSED, RequestLog
from stylefuse.registry.package import INPUTS, LIMITS, example, signature, write_package
from stylefuse.serving.pyfunc import PaintService
from tests.support.models import encoded, make_model, noise
from tests.unit.test_config import SHIPPED

PARAMS = load_params(SHIPPED)


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    """Makes the package of a model, with strict limits."""
    limits = PARAMS.serve.model_copy(update={"max_batch": 3, "max_pixels": 5000})

    def pack(name):
        folder = tmp_path_factory.mktemp(name)
        write_package(make_model(folder / "model", name), limits, {}, folder / "packed")
        return folder / "packed"

    return pack


@pytest.fixture(scope="module")
def service(pack):
    return PaintService(pack("transfer"))


@pytest.fixture(scope="module")
def portraits(pack):
    return PaintService(pack("portrait"))


def request(*rows):
    return pd.DataFrame(rows, columns=["content", "style"])


def good():
    return (encoded(noise(40, 30)), encoded(noise(30, 30, seed=1), "JPEG"))


def test_the_package_is_data_only(pack):
    names = {path.name for path in pack("transfer").iterdir()}
    assert names == {"config.json", "generator.weights.h5", "manifest.json", LIMITS, INPUTS}


def test_a_package_of_before_the_servers_own_limits_loads(pack):
    limits = {"max_pixels": 5000, "max_side": 64, "max_batch": 3}
    folder = pack("portrait")
    (folder / LIMITS).write_text(json.dumps(limits))
    assert PaintService(folder).limits.model_dump(include=set(limits)) == limits


def test_each_row_is_painted(service):
    answer = service.predict(request(good(), good()), {"strength": 0.5, "size": 20})
    assert list(answer) == ["picture"]
    assert [decode(text).size for text in answer.picture] == [(20, 15)] * 2


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_what_comes_back_has_the_format_that_was_asked_for(service, form):
    (text,) = service.predict(request(good()), {"format": form}).picture
    assert Image.open(io.BytesIO(base64.b64decode(text))).format == form.upper()
    assert decode(text).size == (40, 30)


def test_rows_may_hold_different_things(service):
    """A table has a place for each column in every row; an empty one is left out."""
    content, style = good()
    mask = encoded(noise(40, 30, seed=3))
    rows = [
        {"content": content, "style": [style, content]},
        {"content": content, "other": style, "mask": mask},
        {"content": content, "style": style, "mask": None, "other": float("nan")},
    ]
    together = service.predict(pd.DataFrame(rows)).picture
    alone = [service.predict(pd.DataFrame([row])).picture[0] for row in rows]
    assert list(together) == alone
    assert len(set(alone)) == 3


def test_requests_are_noted_where_that_is_asked_for(pack, tmp_path, monkeypatch):
    monkeypatch.setenv(FILE, str(tmp_path / "seen.db"))
    service, seen = PaintService(pack("transfer")), RequestLog(tmp_path / "seen.db")
    service.predict(request(good(), good()), {"size": 20})
    with pytest.raises(MlflowException):
        service.predict(request(("no picture", "none")))
    monkeypatch.setattr(service.predictor, "paint", lambda *_: 1 / 0)
    with pytest.raises(MlflowException):
        service.predict(request(good()))
    service.notes.shutdown()
    traffic = seen.traffic("transfer", 0)
    assert traffic.outcomes == {ANSWERED: 1, REFUSED: 1, FAILED: 1}
    assert all(seconds > 0 for seconds in traffic.seconds)
    sent = statistics(noise(40, 30))
    for name, value in seen.pictures("transfer", "content", 9).items():
        assert value == [sent[name]]


def test_a_restored_picture_is_as_large_as_it_was(pack):
    answer = PaintService(pack("restore")).predict(
        pd.DataFrame({"picture": [encoded(noise(40, 30, "RGBA"))]}), {"strength": 0.5}
    )
    restored = decode(answer.picture[0])
    assert (restored.size, restored.mode) == ((40, 30), "RGBA")


@pytest.mark.parametrize("kind", [np.int32, np.uint64, np.float32, float, object])
def test_a_seed_may_come_as_any_kind_of_number(portraits, kind):
    pictures = portraits.predict(pd.DataFrame({"seed": pd.Series([3, 4], dtype=kind)})).picture
    right = portraits.predict(pd.DataFrame({"seed": [3, 4]})).picture
    assert list(pictures) == list(right)
    assert right[0] != right[1]


@pytest.mark.parametrize(
    ("name", "columns", "dials"),
    [
        ("transfer", ["content", "style?", "other?", "mask?"],
         {"strength": "double", "preserve_color": "string", "size": "long",
          "content_balance": "double", "style_balance": "double", "detail_balance": "double",
          "mode": "string", "style_by_region": "boolean", "seamless": "boolean",
          "style_weights": "double"}),
        ("restore", ["picture"], {"strength": "double"}),
        ("portrait", ["seed"], {"towards": "long", "blend": "double"}),
    ],
)  # fmt: skip
def test_the_signature_is_the_recipes(name, columns, dials):
    promised = signature(find_task(name))
    assert [c.name + "?" * (not c.required) for c in promised.inputs] == columns
    assert {p.name: p.dtype.name for p in promised.params} == dials | {"format": "string"}
    assert [c.name for c in promised.outputs] == ["picture"]


def test_the_example_shows_the_domains_in_order(service, tmp_path):
    for level, domain in enumerate(("photograph", "painting")):
        np.save(tmp_path / f"validation_{domain}.npy", np.full((1, 96, 96, 3), level, np.uint8))
    request = example(find_task("transfer"), PARAMS.train("transfer").domains, tmp_path)
    levels = {name: decode(texts[0]).getpixel((0, 0)) for name, texts in request.items()}
    assert levels == {"content": (0, 0, 0), "style": (1, 1, 1)}
    assert len(service.predict(pd.DataFrame(request))) == 1


def test_the_example_needs_no_pictures(service, portraits, tmp_path):
    for served in (service, portraits):
        request = example(served.task, ("nothing",), tmp_path)
        assert len(served.predict(pd.DataFrame(request))) == 1


@pytest.mark.parametrize(
    ("frame", "params", "complaint"),
    [
        (request(), {}, "no rows"),
        (request(*[good()] * 4), {}, "4 rows, more than the 3 allowed"),
        (request(good()).drop(columns="content"), {}, "'content' is missing; send content and"),
        (request(good()).drop(columns="style"), {}, "row 1 of 1: style is missing"),
        (request((good()[0], [good()[1]] * 4)), {}, "style is a list of 4 pictures, more than"),
        (request((good()[0], [7])), {}, "row 1 of 1: style is not text"),
        (request(good()), {"format": "gif"}, "format must be one of png, jpeg, webp, not 'gif'"),
        (request(good()), {"style_weights": [1, 2]}, "2 numbers for 1 styles"),
        (request(good()), {"preserve_color": "hue"}, "preserve_color must be"),
        (request(good(), (None, good()[1])), {}, "row 2 of 2: content is not text"),
        (request((good()[0], 7)), {}, "row 1 of 1: style is not text"),
        (request(good(), (good()[0], "%%")), {}, "row 2 of 2: style is not valid base64"),
        (request((encoded(noise(100, 51)), good()[1])), {}, "row 1 of 1: content has 100×51"),
        (request(good()), {"strength": float("nan")}, "strength must be"),
        (request(good()), {"size": 10**9}, "row 1 of 1: size 1000000000 is more than the 2048"),
    ],
)
def test_a_clients_mistake_is_told_in_one_sentence(service, frame, params, complaint):
    assert complaint in complaint_of(service, frame, params)


@pytest.mark.parametrize(
    ("seed", "params", "complaint"),
    [
        ("7", {}, "row 1 of 1: seed is not a whole number; send one without quotes"),
        (1.5, {}, "seed is not a whole number"),
        (float("nan"), {}, "seed is not a whole number"),
        (float("inf"), {}, "seed is not a whole number"),
        (True, {}, "seed is not a whole number"),
        (None, {}, "seed is not a whole number"),
        (-1, {}, "row 1 of 1: a seed must be a whole number from 0, not -1"),
        (1, {"blend": 2.0}, "blend must be"),
    ],
)
def test_a_seed_that_is_none(portraits, seed, params, complaint):
    frame = pd.DataFrame({"seed": pd.Series([seed], dtype=object)})
    assert complaint in complaint_of(portraits, frame, params)


def complaint_of(service, frame, params):
    with pytest.raises(MlflowException) as error:
        service.predict(frame, params)
    assert error.value.get_http_status_code() == 400
    assert "\n" not in error.value.message
    return error.value.message


def test_a_fault_of_ours_stays_in_the_log(service, monkeypatch, caplog):
    def fails(*_):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(service.predictor, "paint", fails)
    with caplog.at_level(logging.ERROR), pytest.raises(MlflowException) as error:
        service.predict(request(good()))
    assert "secret" not in error.value.serialize_as_json()
    assert "secret" in caplog.text
