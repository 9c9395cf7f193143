"""The short way to an answer: the same as MLflow's own, and only where a request is plain."""

import asyncio
import json

import mlflow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.models import Model
from mlflow.pyfunc import load_model, scoring_server

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.images import base64 as codec
from stylefuse.models.task import find_task
from stylefuse.registry.package import LOADER, signature, write_package
from stylefuse.serving.app import scoring_app
from stylefuse.serving.request_checks import Refused, check
from stylefuse.serving.scoring import Scoring, plain
from tests.support.models import encoded, make_model, noise
from tests.unit.test_config import SHIPPED

A, B, MASK = (encoded(noise(24, 20, seed=seed)) for seed in range(3))
TASK, LIMITS = find_task("transfer"), load_params(SHIPPED).serve


@pytest.fixture(scope="module", params=["transfer", "restore", "portrait"])
def served(request, tmp_path_factory):
    """A model's name, its application, and MLflow's own for it."""
    folder = tmp_path_factory.mktemp(request.param)
    write_package(make_model(folder / "model", request.param), LIMITS, {}, folder / "packed")
    with pytest.MonkeyPatch.context() as patch:
        # a package is signed where it is registered; here only what it answers counts
        patch.setattr("stylefuse.serving.pyfunc.check", lambda *_: "nobody")
        mlflow.pyfunc.save_model(
            str(folder / "mlflow"), loader_module=LOADER, data_path=str(folder / "packed"),
            signature=signature(find_task(request.param)), pip_requirements=[],
            mlflow_model=Model(),
        )  # fmt: skip
        ours = scoring_app(str(folder / "mlflow"))
        theirs = scoring_server.init(load_model(str(folder / "mlflow")))
    assert isinstance(ours, Scoring)
    return request.param, ours, theirs


def ask(app, table):
    """Status and answer of an application."""
    given = [{"type": "http.request", "body": json.dumps(table).encode(), "more_body": False}]
    scope = {
        "type": "http", "method": "POST", "path": "/invocations", "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }  # fmt: skip
    told = []

    async def receive():
        return given.pop() if given else await asyncio.sleep(60)

    async def send(message):
        told.append(message)

    asyncio.run(app(scope, receive, send))
    return told[0]["status"], json.loads(b"".join(m.get("body", b"") for m in told[1:]))


def split(*rows):
    return {"columns": list(rows[0]), "data": [list(row.values()) for row in rows]}


PLAIN = {
    "transfer": [
        {"dataframe_records": [{"content": A, "style": B}]},
        {"dataframe_records": [{"content": A, "style": [B, A]}, {"content": B, "style": [A, B]}],
         "params": {"style_weights": [1, 2.5], "format": "jpeg"}},
        {"dataframe_split": split({"content": A, "style": B}, {"content": B, "style": A}),
         "params": {"strength": 0.5, "size": 16, "preserve_color": "match"}},
        {"dataframe_records": [{"content": A, "other": B, "mask": MASK}],
         "params": {"content_balance": 1, "seamless": True}},
    ],
    "restore": [{"dataframe_records": [{"picture": A}], "params": {"strength": 0.3}}],
    "portrait": [
        {"dataframe_split": split({"seed": 3}, {"seed": 4}), "params": {"towards": 9, "blend": 0}}
    ],
}  # fmt: skip


def test_a_plain_request_has_the_answer_that_mlflow_gives(served, monkeypatch):
    name, ours, theirs = served
    wanted = [ask(theirs, table) for table in PLAIN[name]]
    monkeypatch.setattr(ours, "_otherwise", None)  # nobody is asked
    found = [ask(ours, table) for table in PLAIN[name]]
    assert [status for status, _ in found] == [200] * len(found)
    assert found == wanted


def test_a_mistake_in_a_plain_request_is_told_in_the_same_words(served):
    name, ours, theirs = served
    (table, *_) = PLAIN[name]
    dial = {"portrait": "blend"}.get(name, "strength")
    for wrong in (
        {"params": {dial: 7}},
        {"params": {dial: float("nan")}},
        {"params": {"format": "gif"}},
        {"dataframe_records": [{"picture": "%%%", "content": "%%%", "style": B, "seed": -1}]},
    ):
        status, told = ask(ours, table | wrong)
        other_status, other = ask(theirs, table | wrong)
        said = str(told.get("error") or told.get("message"))
        assert (status, other_status) == (400, 400)
        assert said.rpartition("Error: ")[2] in other["message"]


ROW = {"content": A, "style": B}
OTHERS = {
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
    "an unknown dial": {"dataframe_records": [ROW], "params": {"stregth": 1}},
    "a dial in words": {"dataframe_records": [ROW], "params": {"strength": "1"}},
    "yes for a number": {"dataframe_records": [ROW], "params": {"size": True}},
    "a part of a pixel": {"dataframe_records": [ROW], "params": {"size": 16.0}},
    "a number for yes": {"dataframe_records": [ROW], "params": {"seamless": 1}},
    "a number past all": {"dataframe_records": [ROW], "params": {"strength": 10**400}},
    "one weight": {"dataframe_records": [ROW], "params": {"style_weights": 1}},
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_not_plain_is_left_to_mlflow(name):
    assert plain(json.dumps(OTHERS[name]).encode(), TASK) is None


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
def test_whatever_the_guard_lets_through_is_plain_or_not(table):
    body = json.dumps(table).encode()
    try:
        check("json", body, LIMITS)
    except Refused:
        return
    asked = plain(body, TASK)
    if asked is not None:
        assert all(isinstance(row["content"], str) for row in asked.rows)


def test_half_a_letter_is_no_picture():
    with pytest.raises(UserError, match="content is not valid base64"):
        codec.decode_cached("\ud800", "content", 10**6)


def test_a_picture_that_was_sent_lately_is_not_decoded_again(monkeypatch):
    text = encoded(noise(31, 17, seed=77))
    first = codec.decode_cached(text, "content", 10**6)
    monkeypatch.setattr(codec, "decode", lambda *_: 1 / 0)
    assert codec.decode_cached(text, "style", 10**6) is first
    assert first.figures is first.figures
