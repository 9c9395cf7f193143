"""Odd requests get one sentence that names the field, and no option is ignored."""

import gzip
import json

import pytest

from stylefuse.serving.limits import RequestLimits
from tests.integration.serving.test_scoring import LIMITS, MASK, A, B, applications, split
from tests.support.asgi import JSON, error_of, request

ROW = {"content": A, "style": B}
SMALL = {"size": 16}
CSV = {"content-type": "text/csv"}


@pytest.fixture(scope="module")
def apps(tmp_path_factory):
    """The applications of two models, within limits."""
    return {
        name: RequestLimits(applications(name, tmp_path_factory.mktemp(name))[0], LIMITS)
        for name in ("transfer", "portrait")
    }


def records(*rows, **params):
    return {"dataframe_records": list(rows), "params": params}


def table(columns, data, **more):
    return {"dataframe_split": {"columns": columns, "data": data, **more}}


NAMES = ["content", "style"]
REFUSED = {
    "a row that is too short": (table(NAMES, [[A, B], [A]]), "row 2 of 2 is not a list of 2"),
    "a row that is too long": (table(NAMES, [[A, B, A]]), "row 1 of 1 is not a list of 2"),
    "no row": (table(NAMES, [None]), "row 1 of 1 is not a list of 2"),
    "no columns": ({"dataframe_split": {"data": [[A, B]]}}, "an object with columns, data"),
    "a column twice": (table(["content"] * 2, [[A, B]]), "columns holds a name twice"),
    "a text for rows": (table(NAMES, "x"), "data must be a list of rows"),
    "an index that is too long": (table(NAMES, [[A, B]], index=[1, 2]), "differ in length"),
    "no rows at all": (records(), "holds no rows"),
    "a row that is a list": (records(ROW, [A, B]), "row 2 of 2 is not an object"),
    "rows that are no list": ({"dataframe_records": ROW}, "must be a list of rows"),
    "a number": ({"inputs": 5}, "must be a list of rows"),
    "texts for rows": ({"instances": [A]}, "row 1 of 1 is not an object"),
    "columns of two lengths": (
        {"inputs": {"content": [A, A], "style": [B]}}, "lists of the same length",
    ),
    "nothing in it": ({"instances": [{**ROW, "content": None}]}, "content is not text"),
    "a row without a picture": (records(ROW, {"style": B}), "row 2 of 2: content is missing"),
    "a list in a list": (records({"content": A, "style": [[B]]}), "style is not text"),
    "an option in a row": (records({**ROW, "size": 16}), "'size'; it is an option"),
    "a misspelt input": (records({**ROW, "mas": MASK}), "did you mean mask?"),
    "an input in capitals": (records({"Content": A, "style": B}), "did you mean content?"),
    "options beside the table": ({**records(ROW), "size": 16}, "no place for 'size'"),
    "misspelt params": ({"dataframe_records": [ROW], "parms": SMALL}, "no place for 'parms'"),
}  # fmt: skip


@pytest.mark.parametrize("kind", REFUSED)
def test_a_table_that_is_none_is_refused_in_a_sentence(apps, kind):
    body, message = REFUSED[kind]
    status, error = error_of(apps["transfer"], json.dumps(body).encode())
    assert status == 400
    assert message in error


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": [ROW], "params": SMALL},
        {"instances": [ROW], "params": SMALL},
        {"inputs": {"content": [A, B], "style": [B, A]}, "params": SMALL},
        {"instances": {"content": A, "style": B}, "params": SMALL},
        {"dataframe_split": split(ROW) | {"index": [7]}, "params": SMALL},
        records({**ROW, "mask": None, "number of mine": 7}, **SMALL),
    ],
)
def test_every_form_of_a_table_is_painted(apps, body):
    status, _, answer = request(apps["transfer"], json.dumps(body).encode())
    assert status == 200
    content = body.get("inputs")
    expected = 2 if isinstance(content, dict) else 1
    assert len(json.loads(answer)["predictions"]) == expected


@pytest.mark.parametrize(
    ("seed", "status"),
    [(7, 200), (7.0, 200), (2**64, 200), (7.5, 400), (True, 400), ("7", 400), (None, 400),
     ([7], 400), (-1, 400), (float("nan"), 400)],
)  # fmt: skip
@pytest.mark.parametrize("form", ["dataframe_records", "inputs"])
def test_a_seed_is_a_whole_number_or_refused(apps, seed, status, form):
    body = json.dumps({form: [{"seed": seed}]}).encode()
    answer = request(apps["portrait"], body)
    assert answer[0] == status
    assert status == 200 or b"seed" in answer[2]


REPEATED = {
    b'{"dataframe_records": [], "dataframe_records": []}': "'dataframe_records' twice",
    b'{"dataframe_records": [{}], "params": {"size": 16, "size": 20}}': "'size' twice",
    b'{"dataframe_records": [{"content": "", "content": ""}]}': "'content' twice",
}


@pytest.mark.parametrize("body", REPEATED)
def test_a_name_that_is_given_twice_is_refused(apps, body):
    status, error = error_of(apps["transfer"], body)
    assert (status, REPEATED[body] in error) == (400, True)


def test_parts_that_nobody_reads_are_refused(apps):
    body = json.dumps(records(ROW, **SMALL)).encode()
    app = apps["transfer"]
    assert error_of(app, body, query=b"size=16") == (
        400, "options in the address are not read; put them into params",
    )  # fmt: skip
    packed = JSON | {"content-encoding": "gzip"}
    assert error_of(app, gzip.compress(body), headers=packed)[0] == 415
    assert request(app, body, headers=JSON | {"content-encoding": "identity"})[0] == 200


def test_csv_is_for_models_without_lists(apps):
    status, error = error_of(apps["transfer"], f"content,style\n{A},{B}".encode(), headers=CSV)
    assert (status, error) == (
        415, "send application/json to this model; CSV holds no lists of pictures",
    )  # fmt: skip
    assert request(apps["portrait"], b"seed\n7\n8\n", headers=CSV)[0] == 200


@pytest.mark.parametrize(
    "prefix",
    [
        "DATA:IMAGE/PNG;BASE64,", "data:;base64,", "data:image/png;charset=utf-8;base64,",
        'data:image/png;name="a;b.png";base64,', "data:image/png; base64 ,\n",
        "data:image/png;filename*=utf-8''a%20b;base64,",
    ],
)  # fmt: skip
def test_a_data_address_may_have_parameters(apps, prefix):
    body = json.dumps(records({"content": prefix + A, "style": B}, **SMALL)).encode()
    assert request(apps["transfer"], body)[0] == 200
