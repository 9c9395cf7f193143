"""Checks of a request's body before anything is built from it.

A few bytes of text can become many bytes of memory: an empty list takes two bytes in JSON and sixty
in Python. Therefore values and nesting are counted in the text itself, before it is parsed.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Literal

from stylefuse.config import Serve
from stylefuse.errors import UserError

Format = Literal["json", "csv"]
FORMATS: dict[str, Format] = {"application/json": "json", "text/csv": "csv"}
UTF8 = "", "charset=utf-8", "charset=utf8"  # parameters of Content-Type
TABLE_KEYS = ("dataframe_split", "dataframe_records", "inputs", "instances")  # MLflow's

# complete JSON strings, and a last one that does not end; possessive, so that nothing backtracks
JSON_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
SEPARATORS = {"json": b",[{]}", "csv": b",\r\n"}
NOT_SEPARATORS = {name: bytes(set(range(256)) - set(chars)) for name, chars in SEPARATORS.items()}
BEFORE_A_VALUE = b",[{\r\n"  # separators that a value follows
DEPTH_CHANGES = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


ASCII, NOT_ASCII = bytes(range(128)), re.compile(rb"[\x80-\xff]+")
MAX_OTHERS = 100_000  # bytes of characters that are not ASCII
LONG = 1_000_000  # bytes of a text that holds a picture
MAX_SHOWN = 40  # characters of a name in a message
BUSY = "the server is busy with other requests; send this one again"


class RequestRejected(UserError):
    """A request that is not passed on to the model.

    Args:
        status: HTTP status of the answer.
        message: for the client.
        code: see `UserError`.
    """

    def __init__(self, status: int, message: str, code: str):
        super().__init__(message, code=code)
        self.status = status


def body_format(content_types: Sequence[str]) -> Format:
    """The format of a body by its `Content-Type` headers.

    Raises:
        RequestRejected: there is not exactly one header, or its type is not supported.
    """
    media_type, _, parameters = (content_types[0] if len(content_types) == 1 else "").partition(";")
    is_utf8 = re.sub(r"[\s\"]", "", parameters).lower() in UTF8
    if (name := FORMATS.get(media_type.strip().lower())) and is_utf8:
        return name
    raise RequestRejected(
        415, f"send {' or '.join(FORMATS)} in UTF-8, and set Content-Type to it",
        "content-type-unsupported",
    )  # fmt: skip


def refuse_ignored_parts(query: bytes, content_encodings: Sequence[str]) -> None:
    """Refuse what nobody reads: options in the address, and a compressed body.

    Raises:
        RequestRejected: there is such a part.
    """
    if query:
        raise _bad_request(
            "options in the address are not read; put them into params", "query-not-read"
        )
    if any(name.strip().lower() not in ("", "identity") for name in content_encodings):
        raise RequestRejected(
            415, "send the request uncompressed, without Content-Encoding",
            "content-encoding-unsupported",
        )  # fmt: skip


def check_body(name: Format, body: bytes | bytearray, limits: Serve) -> dict[str, Any] | None:
    """Check a request's body.

    Args:
        name: the body's format.
        body: all of it.
        limits: of the number of values and the depth of nesting.

    Returns:
        The parsed object if the format is JSON, so that nobody parses it again; None for CSV.

    Raises:
        RequestRejected: the body is not text, not a table, or too large a one.
    """
    if b"\0" in body:  # Python's parser would take it for JSON in UTF-16 or UTF-32
        raise _not_utf8()
    if not body or body.isspace():
        raise _bad_request("the request is empty", "request-empty")
    if not body.isascii():
        body = _in_ascii(name, body)
    _check_size(name, body, limits)
    if name == "json":
        _refuse_wide_texts(body)
    table = _parse_json(body) if name == "json" else None
    _check_rows(table, body, limits.max_batch)
    return table


def _in_ascii(name: Format, body: bytes | bytearray) -> bytes | bytearray:
    """The body with escapes in the place of other characters if it is JSON: of a text with a single
    one of them, Python takes up to four bytes for each character.

    Raises:
        RequestRejected: the body is not text, or holds many of them.
    """
    if len(body.translate(None, ASCII)) > MAX_OTHERS or (name == "csv" and len(body) > LONG):
        raise _bad_request(
            "the request holds many characters that are not ASCII; base64 has none",
            "too-many-not-ascii",
        )
    try:
        if name == "csv":
            body.decode()
            return body
        return NOT_ASCII.sub(lambda found: json.dumps(found[0].decode())[1:-1].encode(), body)
    except UnicodeDecodeError:
        raise _not_utf8() from None


def _refuse_wide_texts(body: bytes | bytearray) -> None:
    """Refuse long texts with characters that base64 does not have, see `_in_ascii`."""
    if b"\\u" not in body:
        return
    if any(len(found[0]) > LONG and b"\\u" in found[0] for found in JSON_STRINGS.finditer(body)):
        raise _bad_request(
            "a picture's text holds characters that are not ASCII; base64 has none",
            "base64-invalid",
        )


def _check_size(name: Format, body: bytes | bytearray, limits: Serve) -> None:
    too_many = _bad_request(
        f"the request holds more than the {limits.max_values:,} values allowed", "too-many-values"
    )
    if body.count(b'"') > 4 * limits.max_values:
        raise too_many
    # in CSV all are counted: pandas takes some quotes for characters
    counted = _outside_strings(body) if name == "json" else body
    separators = counted.translate(None, NOT_SEPARATORS[name])
    if sum(map(separators.count, BEFORE_A_VALUE)) > limits.max_values:
        raise too_many
    depths = accumulate(DEPTH_CHANGES.get(separator, 0) for separator in separators)
    if max(depths, default=0) > limits.max_depth:
        message = f"the request is nested more than {limits.max_depth} levels deep"
        raise _bad_request(message, "nested-too-deep")


def _check_rows(table: dict[str, Any] | None, body: bytes | bytearray, max_rows: int) -> None:
    if table is None:
        lines = body.replace(b"\r", b"\n").strip()  # as pandas ends them; base64 has none
        rows = lines.count(b"\n")  # the first line has the names
    else:
        data = next(table[key] for key in TABLE_KEYS if key in table)
        if isinstance(data, dict):  # {"columns": […], "data": [row, …]}, or {column: [value, …]}
            parts = [data["data"]] if "data" in data else list(data.values())
        else:
            parts = [data]
        rows = max((len(part) for part in parts if isinstance(part, list)), default=1)
    if rows > max_rows:
        message = f"the request holds {rows} rows, more than the {max_rows} allowed"
        raise _bad_request(f"{message}; send several requests", "too-many-rows")


def _outside_strings(body: bytes | bytearray) -> bytes:
    """The part of a JSON document that is not in quotes, which are few."""
    if b"\\" in body:
        return JSON_STRINGS.sub(b"", body)
    # many times as fast, but knows no escaped quotes; without a copy of the strings
    parts, start, quote = [], 0, body.find(b'"')
    while quote >= 0:
        parts.append(body[start:quote])
        end = body.find(b'"', quote + 1)
        start = end + 1 if end >= 0 else len(body)
        quote = body.find(b'"', start)
    return b"".join([*parts, body[start:]])


def _parse_json(body: bytes | bytearray) -> dict[str, Any]:
    try:
        table = json.loads(body, object_pairs_hook=_without_repetition)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        message = f"the request is not valid JSON: {error.msg} at {place}"
        raise _bad_request(message, "json-invalid") from None
    except ValueError:  # Python limits the number of digits that it converts
        raise _bad_request(
            "the request holds a number that is too long", "number-too-long"
        ) from None
    if not isinstance(table, dict) or len(set(TABLE_KEYS) & set(table)) != 1:
        message = f"the request must be an object with one of {', '.join(TABLE_KEYS)}"
        raise _bad_request(message, "table-missing")
    if others := table.keys() - {*TABLE_KEYS, "params"}:
        raise _bad_request(
            f"the request has no place for {min(others)[:MAX_SHOWN]!r}; options belong into params",
            "key-unknown",
        )
    if not isinstance(table.get("params", {}), dict | None):
        raise _bad_request("params must be an object", "params-invalid")
    split = table.get("dataframe_split")
    columns = split.get("columns", []) if isinstance(split, dict) else []
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise _bad_request("columns must be a list of names", "columns-invalid")
    return table


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; of a name that is given twice, one value would be ignored."""
    names = dict(pairs)
    if len(names) < len(pairs):
        name = next(name for name, count in Counter(n for n, _ in pairs).items() if count > 1)
        raise _bad_request(f"the request holds {name[:MAX_SHOWN]!r} twice", "name-repeated")
    return names


def _bad_request(message: str, code: str) -> RequestRejected:
    return RequestRejected(400, message, code)


def _not_utf8() -> RequestRejected:
    return _bad_request("the request is not text in UTF-8", "not-utf8")
