"""A request's body is checked before it is parsed."""

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylefuse.config import load_params
from stylefuse.serving.request_checks import (
    JSON_STRINGS,
    LONG,
    MAX_OTHERS,
    RequestRejected,
    _outside_strings,
    body_format,
    check_body,
)
from tests.unit.test_config import SHIPPED

LIMITS = load_params(SHIPPED).serve.model_copy(update={"max_values": 50})
VALID = b'{"inputs": {"content": ["a[[[{"], "style": ["b"]}}'
DEEP = b'{"inputs": ' + b"[" * 30 + b"]" * 30 + b"}"
INVALID = {
    "empty": (b" \n", "request-empty"),
    "no text": (b"\xff\xfe", "not-utf8"),
    "another encoding": (VALID.decode().encode("utf-16-le"), "not-utf8"),
    "no JSON": (b"content=1", "json-invalid"),
    "cut short": (VALID[:-1], "json-invalid"),
    "deep": (DEEP, "nested-too-deep"),
    "deep behind a string": (b'{"a\\"": "\\\\", ' + DEEP[1:], "nested-too-deep"),
    "many values": (b'{"inputs": [' + b"1," * 60 + b"1]}", "too-many-values"),
    "many strings": (b'{"inputs": [' + b'"",' * 200 + b"1]}", "too-many-values"),
    "many brackets": (b"[" * 60, "too-many-values"),
    "a string without an end": (b'{"inputs": "[[[[' + b'\\"' * 50, "json-invalid"),
    "a long number": (b'{"inputs": ' + b"9" * 4500 + b"}", "number-too-long"),
    "a list": (b"[]", "table-missing"),
    "no table": (b'{"prompt": "a"}', "table-missing"),
    "two tables": (b'{"inputs": 1, "instances": 1}', "table-missing"),
    "many rows": (b'{"inputs": [' + b"1," * 16 + b"1]}", "too-many-rows"),
    "many rows of a table": (
        b'{"dataframe_split": {"columns": ["a"], "data": [' + b"[1]," * 16 + b"[1]]}}",
        "too-many-rows",
    ),
    "many values of a column": (b'{"inputs": {"a": [' + b"1," * 16 + b"1]}}", "too-many-rows"),
    "odd parameters": (b'{"inputs": 1, "params": [1]}', "params-invalid"),
    "odd columns": (b'{"dataframe_split": {"columns": [{}], "data": []}}', "columns-invalid"),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_body_is_rejected(name):
    body, code = INVALID[name]
    with pytest.raises(RequestRejected) as error:
        check_body("json", body, LIMITS)
    assert (error.value.status, error.value.code) == (400, code)


def test_rows_of_a_csv_table_are_counted():
    assert check_body("csv", b"a\n" + b"1\n" * 16, LIMITS) is None
    with pytest.raises(RequestRejected) as error:
        check_body("csv", b"a\n" + b"1\n" * 17, LIMITS)
    assert error.value.code == "too-many-rows"


def test_the_place_of_a_syntax_error_is_named():
    with pytest.raises(RequestRejected, match="Expecting value at line 1, column 1"):
        check_body("json", b"content=1", LIMITS)


def test_a_valid_body_is_returned_parsed():
    assert check_body("json", VALID, LIMITS) == json.loads(VALID)
    assert check_body("csv", b'content,style\n"a,b,,,,,\n\n",c', LIMITS) is None


@pytest.mark.parametrize("body", [b"," * 60, b"a\n" * 60, b'""' * 200])
def test_the_values_of_csv_are_counted_too(body):
    with pytest.raises(RequestRejected) as error:
        check_body("csv", body, LIMITS)
    assert error.value.code == "too-many-values"


@pytest.mark.parametrize(
    "content_types",
    [[], [""], ["text/plain"], ["application/vnd.apache.parquet"], ["application/jsonp"],
     ["application/json; charset=latin-1"], ["application/json; x=y"], ["multipart/form-data"],
     ["application/json", "application/json"]],
)  # fmt: skip
def test_other_content_types_are_rejected(content_types):
    with pytest.raises(RequestRejected, match="send application/json or text/csv") as error:
        body_format(content_types)
    assert error.value.status == 415


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "Application/JSON;charset=UTF-8", 'application/json; charset="utf-8"'],
)
def test_json_has_several_spellings(content_type):
    assert body_format([content_type]) == "json"


PIECES = st.lists(st.sampled_from([b'"', b"[", b"{", b",", b"a", b"\\", b'\\"']), max_size=20)


@given(PIECES)
def test_without_escapes_the_fast_and_the_exact_way_agree(pieces):
    body = b"".join(pieces).replace(b"\\", b"")
    assert _outside_strings(body) == JSON_STRINGS.sub(b"", body)


@pytest.mark.parametrize("character", ["\N{GRINNING FACE}", r"\ud83d\ude00"])
def test_a_long_text_that_is_not_base64_takes_no_more_memory_than_its_bytes(character):
    """A single character beyond ASCII would quadruple it."""
    head, tail = b'{"inputs": {"content": ["', b'"]}}'
    body = head + b"A" * LONG + character.encode() + tail
    with pytest.raises(RequestRejected) as error:
        check_body("json", body, LIMITS)
    assert error.value.code == "base64-invalid"
    beside = head + b"A" * LONG + b'"], "name": ["' + character.encode() + tail
    tracemalloc.start()
    try:
        table = check_body("json", beside, LIMITS)
        assert tracemalloc.get_traced_memory()[1] < 3.5 * LONG
    finally:
        tracemalloc.stop()
    assert table["inputs"]["name"] == ["\N{GRINNING FACE}"]


@pytest.mark.parametrize("name", ["json", "csv"])
def test_many_characters_that_are_not_ascii_are_refused(name):
    with pytest.raises(RequestRejected) as error:
        check_body(name, b'{"inputs": ["' + "é".encode() * MAX_OTHERS + b'"]}', LIMITS)
    assert error.value.code == "too-many-not-ascii"


@given(PIECES)
def test_an_escaped_quote_does_not_end_a_string(pieces):
    text = b"".join(pieces).decode()
    assert _outside_strings(json.dumps([text]).encode()) == b"[]"


@pytest.mark.parametrize(
    "body",
    [
        b"picture\r" + b"x\r" * 100,
        b'picture,y\n1,a"\n' + b"1,2\n" * 100 + b'1,a"\n',
        b'picture,x",' + b"a," * 20_000 + b'y"\n1,2\n',
    ],
    ids=["carriage returns", "rows between quotes", "columns between quotes"],
)
def test_quotes_in_csv_hide_nothing(body):
    with pytest.raises(RequestRejected, match="more than the"):
        check_body("csv", body, LIMITS)
