"""The shorter path to an answer gives what MLflow's own gives, and takes plain requests only."""

import asyncio
import json
import time
from contextlib import ExitStack

import mlflow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.models import Model
from mlflow.pyfunc import load_model, scoring_server

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.images import base64 as codec
from stylefuse.inference.predictor import find_predictor
from stylefuse.registry.package import LOADER, signature, write_package
from stylefuse.serving.app import scoring_app
from stylefuse.serving.limits import PARSED_JSON, TIMEOUT_ERROR, RequestLimits
from stylefuse.serving.pyfunc import MAX_PICTURES_AT_ONCE
from stylefuse.serving.request_checks import check_body
from stylefuse.serving.scoring import HEALTH_PATHS, Scoring, plain_request
from tests.support.asgi import request, request_async
from tests.support.models import encoded, make_model, noise
from tests.unit.test_config import SHIPPED

A, B, MASK = (encoded(noise(24, 20, seed=seed)) for seed in range(3))
TRANSFER, LIMITS = find_predictor("transfer"), load_params(SHIPPED).serve


@pytest.fixture(scope="module", params=["transfer", "restore", "portrait"])
def served(request, tmp_path_factory):
    """A model's name, its application, and MLflow's own for it; both within limits."""
    return request.param, *applications(request.param, tmp_path_factory.mktemp(request.param))


def applications(name, folder):
    write_package(make_model(folder / "model", name), LIMITS, {}, folder / "package")
    with pytest.MonkeyPatch.context() as patch:
        # versions are signed when they are registered; this one is not
        patch.setattr("stylefuse.serving.pyfunc.verify_signature", lambda *_: "nobody")
        mlflow.pyfunc.save_model(
            str(folder / "mlflow"), loader_module=LOADER, data_path=str(folder / "package"),
            signature=signature(find_predictor(name)), pip_requirements=[], mlflow_model=Model(),
        )  # fmt: skip
        ours = scoring_app(folder / "mlflow", LIMITS)
        theirs = unparsed(scoring_server.init(load_model(str(folder / "mlflow"))))
    assert isinstance(ours, Scoring)
    return ours, theirs


def unparsed(app):
    """An application that gets the body in JSON, as MLflow's own server does."""

    async def answer(scope, receive, send):
        messages = []
        if table := scope.get(PARSED_JSON):
            body = json.dumps(table).encode()
            messages = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_body():
            return messages.pop() if messages else await receive()

        await app(scope, receive_body, send)

    return answer


def ask(app, table):
    """Status and document of the answer."""
    status, _, body = request(RequestLimits(app, LIMITS), json.dumps(table).encode())
    return status, json.loads(body)


def split(*rows):
    return {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}


PLAIN = {
    "transfer": [
        {"dataframe_records": [{"content": A, "style": B}]},
        {"dataframe_records": [{"content": A, "style": [B, A]}, {"content": B, "style": [A, B]}],
         "params": {"style_weights": [1, 2.5], "format": "jpeg"}},
        {"dataframe_split": split({"content": A, "style": B}, {"content": B, "style": A}),
         "params": {"strength": 0.5, "size": 16, "preserve_color": "match", "quality": "painted"}},
        {"dataframe_records": [{"content": A, "other": B, "mask": MASK}],
         "params": {"content_balance": 1, "seamless": True}},
    ],
    "restore": [{"dataframe_records": [{"picture": A}], "params": {"strength": 0.3}}],
    "portrait": [
        {"dataframe_split": split({"seed": 3}, {"seed": 4}), "params": {"towards": 9, "blend": 0}}
    ],
}  # fmt: skip


def test_a_plain_request_gets_the_answer_that_mlflow_gives(served, monkeypatch):
    name, ours, theirs = served
    expected = [ask(theirs, table) for table in PLAIN[name]]
    monkeypatch.setattr(ours, "_mlflow_app", None)  # is not called
    answers = [ask(ours, table) for table in PLAIN[name]]
    assert [status for status, _ in answers] == [200] * len(answers)
    assert answers == expected


def test_an_error_in_a_plain_request_has_the_same_message(served):
    name, ours, theirs = served
    (table, *_) = PLAIN[name]
    option = {"portrait": "blend"}.get(name, "strength")
    for change in (
        {"params": {option: 7.5}},
        {"params": {option: float("nan")}},
        {"params": {"format": "gif"}},
        {"dataframe_records": [{"picture": "%%%", "content": "%%%", "style": B, "seed": -1}]},
    ):
        status, document = ask(ours, table | change)
        assert status == 400
        assert (status, document) == ask(theirs, table | change)


ROW = {"content": A, "style": B}
NOT_PLAIN = {
    "another form": {"inputs": [ROW]},
    "two forms": {"dataframe_records": [ROW], "inputs": [ROW]},
    "no rows": {"dataframe_records": []},
    "a column too many": {"dataframe_records": [ROW | {"colour": "red"}]},
    "a column too few": {"dataframe_records": [{"style": B}]},
    "nothing in it": {"dataframe_records": [ROW | {"mask": None}]},
    "a number for a picture": {"dataframe_records": [ROW | {"content": 7}]},
    "no style in a list": {"dataframe_records": [ROW | {"style": []}]},
    "no text in a list": {"dataframe_records": [ROW | {"style": [B, None]}]},
    "an index": {"dataframe_split": split(ROW) | {"index": [0]}},
    "the same column twice": {"dataframe_split": {"columns": ["content"] * 2, "data": [[A, B]]}},
    "a short row": {"dataframe_split": {"columns": ["content", "style"], "data": [[A]]}},
}


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_other_requests_are_left_to_mlflow(name):
    assert plain_request(NOT_PLAIN[name], TRANSFER) is None


@pytest.mark.parametrize(
    "params",
    [
        {"stregth": 1}, {"strength": "1"}, {"strength": None}, {"strength": 10**400},
        {"size": True}, {"size": 16.5}, {"seamless": 1}, {"style_weights": 1},
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_option_is_named_in_a_sentence(served, params):
    name, ours, _ = served
    status, document = ask(ours, PLAIN[name][0] | {"params": params})
    assert status == 400
    assert next(iter(params)) in document["error"]
    assert len(document["error"]) < 350


@pytest.mark.parametrize("params", [{"strength": None}, {"style_weights": [None]}], ids=str)
def test_mlflows_server_names_an_option_that_is_null(tmp_path, params):
    _, theirs = applications("transfer", tmp_path)
    status, document = ask(theirs, {"dataframe_records": [ROW], "params": params})
    assert (status, document["error"]) == (400, f"{next(iter(params))} is null; leave it out")


NAMES = st.sampled_from(
    ["content", "style", "other", "dataframe_records", "dataframe_split", "columns", "data",
     "params", "strength", "style_weights", "format"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from([A, B, "", "x"]),
    lambda inside: st.lists(inside, max_size=2) | st.dictionaries(NAMES, inside, max_size=3),
    max_leaves=8,
)


ROWS = st.lists(st.dictionaries(NAMES, VALUES, max_size=3) | st.just(ROW), max_size=2)


@given(st.dictionaries(NAMES, VALUES | ROWS, max_size=3))
def test_every_request_that_passes_the_checks_is_plain_or_not(table):
    try:
        parsed = check_body("json", json.dumps(table).encode(), LIMITS)
        plain = plain_request(parsed, TRANSFER)
    except UserError:
        return
    if plain is not None:
        assert all(isinstance(row["content"], str) for row in plain.rows)


def test_text_that_is_not_utf8_is_no_picture():
    with pytest.raises(UserError) as error:
        codec.decode_cached("\ud800", "content", 10**6, 100)
    assert error.value.code == "base64-invalid"


def test_a_recently_sent_picture_is_not_decoded_again(monkeypatch):
    text = encoded(noise(31, 17, seed=77))
    first = codec.decode_cached(text, "content", 10**6, 100)
    monkeypatch.setattr(codec, "open_scaled", lambda *_: 1 / 0)
    assert codec.decode_cached(text, "style", 10**6, 100) is first
    assert first.statistics is first.statistics


def test_timed_out_requests_free_their_slots_and_the_next_one_is_answered(tmp_path):
    """The slow pictures would take half a minute to paint."""
    ours, theirs = applications("transfer", tmp_path)
    impatient = RequestLimits(Scoring(ours._service, theirs, 0.5, stuck_s=9), LIMITS)
    patient = RequestLimits(ours, LIMITS)

    def body(picture, **params):
        rows = [{"content": picture, "style": B}]
        return json.dumps({"dataframe_records": rows, "params": params}).encode()

    slow_body = body(encoded(noise(700, 700)), quality="painted")

    async def time_out_then_ask():
        slow = [request_async(impatient, slow_body) for _ in range(MAX_PICTURES_AT_ONCE)]
        timed_out = await asyncio.gather(*slow)
        return timed_out, await request_async(patient, body(A))

    timed_out, (status, _, _) = asyncio.run(time_out_then_ask())
    for slow_status, _, text in timed_out:
        assert (slow_status, json.loads(text)["error"]) == (504, TIMEOUT_ERROR)
    assert status == 200


def test_health_checks_fail_when_no_slot_becomes_free(served):
    _, ours, theirs = served
    stuck = Scoring(ours._service, theirs, timeout_s=9, stuck_s=0.05)
    with ExitStack() as taken:
        for _ in range(MAX_PICTURES_AT_ONCE):
            taken.enter_context(ours._service.slots.take())
        time.sleep(0.1)
        for path in HEALTH_PATHS:
            status, _, body = request(stuck, method="GET", path=path)
            assert (status, json.loads(body)["error"]) == (
                503, "no picture was finished for 0.05 seconds",
            )  # fmt: skip
            assert request(ours, method="GET", path=path)[0] == 200
    assert request(stuck, method="GET", path="/ping")[0] == 200
