"""The service that MLflow calls: pictures for valid requests, one message for others."""

import base64
import io
import itertools
import json
import logging
import threading

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from PIL import Image

from stylefuse.cancellation import Cancellation, Cancelled
from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.images.base64 import decode
from stylefuse.images.statistics import statistics
from stylefuse.inference.predictor import find_predictor
from stylefuse.inference.style_file import LearnedStyle, save_style
from stylefuse.monitoring.request_log import (
    ANSWERED,
    CANCELLED,
    ENVIRONMENT_VARIABLE,
    FAILED,
    REFUSED,
    RequestLog,
)
from stylefuse.registry.package import INPUTS, LIMITS, example, signature, write_package
from stylefuse.serving.pyfunc import MAX_PICTURES_AT_ONCE, PaintService
from tests.support.models import encoded, make_model, noise
from tests.unit.test_config import SHIPPED

PARAMS = load_params(SHIPPED)


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Makes the package of a model, with strict limits."""
    limits = PARAMS.serve.model_copy(update={"max_batch": 3, "max_pixels": 5000})

    def package(name):
        folder = tmp_path_factory.mktemp(name)
        write_package(make_model(folder / "model", name), limits, {}, folder / "package")
        return folder / "package"

    return package


@pytest.fixture(scope="module")
def service(package):
    return PaintService(package("transfer"))


@pytest.fixture(scope="module")
def portraits(package):
    return PaintService(package("portrait"))


def table(*rows):
    return pd.DataFrame(rows, columns=["content", "style"])


CONTENT, STYLE = encoded(noise(40, 30)), encoded(noise(30, 30, seed=1), "JPEG")
ROW = (CONTENT, STYLE)


def test_the_package_is_data_only(package):
    names = {path.name for path in package("transfer").iterdir()}
    graphs = {name for name in names if name.endswith(".onnx")}
    assert {"style_encoder.onnx", "content_encoder.onnx", "decoder.onnx"} <= graphs
    assert names - graphs == {"config.json", "manifest.json", LIMITS, INPUTS}


def test_a_package_without_the_newer_limits_loads(package):
    limits = {"max_pixels": 5000, "max_side": 64, "max_batch": 3}
    folder = package("portrait")
    (folder / LIMITS).write_text(json.dumps(limits))
    assert PaintService(folder).limits.model_dump(include=set(limits)) == limits


def test_any_number_of_rows_is_painted(service):
    """The limit is one of HTTP requests, see `stylefuse.serving.request_checks`."""
    assert len(service.predict(table(*[ROW] * (service.limits.max_batch + 1)))) == 4


def test_a_picture_that_was_scaled_down_has_a_notice(package):
    folder = package("restore")
    (folder / LIMITS).write_text(json.dumps({"max_side": 32}))
    service = PaintService(folder)
    frame = pd.DataFrame({"picture": [encoded(noise(64, 48)), encoded(noise(32, 20))]})
    answer = service.predict(frame)
    assert [decode(text).size for text in answer.picture] == [(32, 24), (32, 20)]
    assert list(answer.notice) == [
        "scaled down from 64x48 to 32x24, because serve.max_side is 32", ""
    ]  # fmt: skip


NOTICE = "a style was learned for another transfer model, so its paintings are used"


def test_a_learned_style_is_one_of_the_styles(service, tmp_path):
    code = service.predictor.style([noise(30, 30, seed=1)]).code

    def file(weights):
        style = LearnedStyle("x", "", "", weights, code, [noise(30, 30, seed=1)])
        save_style(style, tmp_path / "x.style")
        return base64.b64encode((tmp_path / "x.style").read_bytes()).decode()

    learned, foreign = file(service.predictor.model.weights), file("0" * 64)
    styles = learned, [learned, STYLE], foreign, learned[:-8]
    rows = [{"content": CONTENT, "style": style} for style in styles]
    answers = service.answer(rows, {"errors": "return"})
    assert [bool(answer["picture"]) for answer in answers] == [True, True, True, False]
    assert [answer["notice"] for answer in answers[:3]] == ["", "", NOTICE]


def test_styles_are_kept_at_the_size_that_they_are_used_at(service, monkeypatch):
    monkeypatch.setattr(type(service.predictor), "repeatable_side", 20)
    sizes = []
    paint = service.predictor.paint

    def note_sizes(inputs, options):
        sizes.append([picture.size for picture in (inputs["content"], *inputs["style"])])
        return paint(inputs, options)

    monkeypatch.setattr(service.predictor, "paint", note_sizes)
    service.answer([{"content": CONTENT, "style": [STYLE, STYLE]}], {})
    assert sizes == [[(40, 30), (20, 20), (20, 20)]]


def test_each_row_is_painted(service):
    answer = service.predict(table(ROW, ROW), {"strength": 0.5, "size": 20})
    assert list(answer) == ["picture"]
    assert [decode(text).size for text in answer.picture] == [(20, 15)] * 2


@pytest.mark.parametrize("form", ["png", "jpeg", "webp"])
def test_the_answer_has_the_requested_format(service, form):
    (text,) = service.predict(table(ROW), {"format": form}).picture
    assert Image.open(io.BytesIO(base64.b64decode(text))).format == form.upper()
    assert decode(text).size == (40, 30)


def test_a_row_that_cannot_be_painted_may_leave_the_others(service):
    frame = table(ROW, ("no picture", STYLE), ROW)
    answer = service.predict(frame, {"errors": "return"})
    assert answer.picture[1] == ""
    assert answer.notice[1].startswith("content is not valid base64")
    assert list(answer.notice[[0, 2]]) == ["", ""]
    assert answer.picture[0] == answer.picture[2] == service.predict(table(ROW)).picture[0]
    with pytest.raises(MlflowException, match="errors must be one of raise, return"):
        service.predict(table(ROW), {"errors": "ignore"})


def test_rows_may_have_different_inputs(service):
    """A table has a cell for each column in every row; empty ones are ignored."""
    mask = encoded(noise(40, 30, seed=3))
    rows = [
        {"content": CONTENT, "style": [STYLE, CONTENT]},
        {"content": CONTENT, "other": STYLE, "mask": mask},
        {"content": CONTENT, "style": STYLE, "mask": None, "other": float("nan")},
    ]
    together = service.predict(pd.DataFrame(rows)).picture
    alone = [service.predict(pd.DataFrame([row])).picture[0] for row in rows]
    assert list(together) == alone
    assert len(set(alone)) == 3


def test_requests_are_logged_if_the_environment_names_a_file(package, tmp_path, monkeypatch):
    monkeypatch.setenv(ENVIRONMENT_VARIABLE, str(tmp_path / "requests.db"))
    service, log = PaintService(package("transfer")), RequestLog(tmp_path / "requests.db")
    cancelled = Cancellation()
    cancelled.cancel()
    service.predict(table(ROW, ROW), {"size": 20})
    with pytest.raises(MlflowException):
        service.predict(table(("no picture", "none")))
    with cancelled.active(), pytest.raises(MlflowException) as error:
        service.predict(table(ROW))
    assert error.value.get_http_status_code() == 504
    monkeypatch.setattr(service.predictor, "paint", lambda *_: 1 / 0)
    with pytest.raises(MlflowException):
        service.predict(table(ROW))
    service.log_writer.shutdown()
    traffic = log.traffic("transfer", 0)
    assert traffic.outcomes == {ANSWERED: 1, REFUSED: 1, CANCELLED: 1, FAILED: 1}
    assert all(seconds > 0 for seconds in traffic.seconds)
    expected = statistics(noise(40, 30))
    for name, value in log.statistics("transfer", "content", 9).items():
        assert value == [expected[name]]


def test_a_restored_picture_keeps_its_size_and_transparency(package):
    answer = PaintService(package("restore")).predict(
        pd.DataFrame({"picture": [encoded(noise(40, 30, "RGBA"))]}), {"strength": 0.5}
    )
    restored = decode(answer.picture[0])
    assert (restored.size, restored.mode) == ((40, 30), "RGBA")


@pytest.mark.parametrize("kind", [np.int32, np.uint64, np.float32, float, object])
def test_a_seed_may_be_any_kind_of_number(portraits, kind):
    pictures = portraits.predict(pd.DataFrame({"seed": pd.Series([3, 4], dtype=kind)})).picture
    expected = portraits.predict(pd.DataFrame({"seed": [3, 4]})).picture
    assert list(pictures) == list(expected)
    assert expected[0] != expected[1]


@pytest.mark.parametrize(
    ("name", "columns", "options"),
    [
        ("transfer", ["content", "style?", "other?", "mask?"],
         {"strength": "double", "preserve_color": "string", "size": "long",
          "content_balance": "double", "style_balance": "double", "detail_balance": "double",
          "mode": "string", "style_by_region": "boolean", "seamless": "boolean",
          "style_weights": "double", "stroke_size": "double", "quality": "string"}),
        ("restore", ["picture", "mask?"],
         {"strength": "double", "only": "string", "keep": "string", "scale": "long"}),
        ("portrait", ["seed"], {"towards": "long", "blend": "double"}),
    ],
)  # fmt: skip
def test_the_signature_is_the_tasks(name, columns, options):
    model_signature = signature(find_predictor(name))
    assert [c.name + "?" * (not c.required) for c in model_signature.inputs] == columns
    params = {p.name: p.dtype.name for p in model_signature.params}
    assert params == options | {"format": "string", "errors": "string"}
    assert [c.name for c in model_signature.outputs] == ["picture"]


def test_the_example_shows_the_domains_in_order(service, tmp_path):
    for level, domain in enumerate(("photograph", "painting")):
        np.save(tmp_path / f"validation_{domain}.npy", np.full((1, 96, 96, 3), level, np.uint8))
    domains = PARAMS.model_settings("transfer").domains
    request = example(find_predictor("transfer"), domains, tmp_path)
    levels = {name: decode(texts[0]).getpixel((0, 0)) for name, texts in request.items()}
    assert levels == {"content": (0, 0, 0), "style": (1, 1, 1)}
    assert len(service.predict(pd.DataFrame(request))) == 1


def test_the_example_needs_no_pictures(service, portraits, tmp_path):
    for served in (service, portraits):
        request = example(served.predictor, ("nothing",), tmp_path)
        assert len(served.predict(pd.DataFrame(request))) == 1


def error_of(service, frame, params):
    """The error of an invalid request, which MLflow gets with the same message."""
    with pytest.raises(UserError) as error:
        service.answer(frame.to_dict("records"), params)
    assert "\n" not in str(error.value)
    with pytest.raises(MlflowException) as mlflow_error:
        service.predict(frame, params)
    assert mlflow_error.value.get_http_status_code() == 400
    assert mlflow_error.value.message == str(error.value)
    return error.value


@pytest.mark.parametrize(
    ("frame", "params", "code"),
    [
        (table(), {}, "rows-missing"),
        (table(ROW).drop(columns="content"), {}, "column-missing"),
        (table(ROW).drop(columns="style"), {}, "style-missing"),
        (table((CONTENT, [STYLE] * 4)), {}, "too-many-pictures"),
        (table((CONTENT, [7])), {}, "picture-not-text"),
        (table((CONTENT, 7)), {}, "picture-not-text"),
        (table(ROW), {"format": "gif"}, "option-invalid"),
        (table(ROW), {"style_weights": [1, 2]}, "style-weight-invalid"),
        (table(ROW), {"preserve_color": "hue"}, "option-invalid"),
        (table((encoded(noise(100, 51)), STYLE)), {}, "picture-too-large"),
        (table(ROW), {"strength": float("nan")}, "option-out-of-range"),
        (table(ROW), {"size": 10**9}, "option-out-of-range"),
    ],
)
def test_an_invalid_request_raises_one_message(service, frame, params, code):
    assert error_of(service, frame, params).code == code


def test_the_message_names_the_row(service):
    error = error_of(service, table(ROW, (CONTENT, "%%")), {})
    assert str(error).startswith("row 2 of 2: style is not valid base64; send")
    assert error.code == "base64-invalid"
    error = error_of(service, table(ROW, (None, STYLE)), {})
    assert str(error) == "row 2 of 2: content is not text; send a picture file in base64"


@pytest.mark.parametrize(
    ("seed", "params", "code"),
    [
        ("7", {}, "not-a-whole-number"),
        (1.5, {}, "not-a-whole-number"),
        (float("nan"), {}, "not-a-whole-number"),
        (float("inf"), {}, "not-a-whole-number"),
        (True, {}, "not-a-whole-number"),
        (None, {}, "not-a-whole-number"),
        (-1, {}, "option-out-of-range"),
        (1, {"blend": 2.0}, "option-out-of-range"),
    ],
)
def test_an_invalid_seed_or_option_is_rejected(portraits, seed, params, code):
    frame = pd.DataFrame({"seed": pd.Series([seed], dtype=object)})
    assert error_of(portraits, frame, params).code == code


def test_details_of_an_exception_stay_in_the_log(service, monkeypatch, caplog):
    def fail(*_):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(service.predictor, "paint", fail)
    with caplog.at_level(logging.ERROR), pytest.raises(MlflowException) as error:
        service.predict(table(ROW))
    assert "secret" not in error.value.serialize_as_json()
    assert "secret" in caplog.text


@pytest.fixture
def endless(service, monkeypatch):
    """The service, whose predictor paints a picture again and again; and how often it began."""
    started, paint = threading.Semaphore(0), service.predictor.paint

    def paint_endlessly(inputs, options):
        started.release()
        for _ in itertools.count():
            paint(inputs, options)

    monkeypatch.setattr(service.predictor, "paint", paint_endlessly)
    return service, started


def cancelled_requests(service, count):
    """Start threads with a request each.

    Returns:
        The threads, their cancellations, and a list of those that ended by `Cancelled`.
    """
    cancellations, ended = [Cancellation() for _ in range(count)], []

    def request(cancellation):
        with cancellation.active():
            try:
                service.answer([{"content": CONTENT, "style": STYLE}], {})
            except Cancelled:
                ended.append(cancellation)

    threads = [threading.Thread(target=request, args=(c,)) for c in cancellations]
    for thread in threads:
        thread.start()
    return threads, cancellations, ended


def test_cancelled_requests_free_their_slots_and_the_next_one_is_answered(endless, monkeypatch):
    service, started = endless
    threads, cancellations, ended = cancelled_requests(service, MAX_PICTURES_AT_ONCE)
    for _ in threads:
        started.acquire()
    assert service.slots.free == 0
    assert ended == []
    for cancellation in cancellations:
        cancellation.cancel()
    for thread in threads:
        thread.join()
    assert set(ended) == set(cancellations)
    monkeypatch.undo()
    assert len(service.predict(table(ROW))) == 1


def test_a_request_that_waits_for_a_slot_can_be_cancelled(endless):
    service, started = endless
    threads, cancellations, ended = cancelled_requests(service, MAX_PICTURES_AT_ONCE)
    for _ in threads:
        started.acquire()
    with Cancellation(timeout_s=0.3).active(), pytest.raises(Cancelled):
        service.answer([{"content": CONTENT, "style": STYLE}], {})
    assert ended == []
    for cancellation in cancellations:
        cancellation.cancel()
    for thread in threads:
        thread.join()


def test_mlflows_own_timeout_cancels_a_request_without_a_server_of_ours(endless, monkeypatch):
    """`mlflow models serve` answers 504 after its timeout, and leaves the thread alone."""
    service, _ = endless
    monkeypatch.setenv("MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT", "1")
    with pytest.raises(MlflowException) as error:
        service.predict(table(ROW))
    assert error.value.get_http_status_code() == 504
    assert service.slots.free == MAX_PICTURES_AT_ONCE
