"""A request's bytes, looked at before anything is made of them.

A few bytes of text can become many of memory: a list in JSON takes two, and sixty where it is kept.
So values are counted, and how deep they lie, in the text itself.
"""

import json
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Literal

from stylefuse.config import Serve

Kind = Literal["json", "csv"]
KINDS: dict[str, Kind] = {"application/json": "json", "text/csv": "csv"}
FORMS = ("dataframe_split", "dataframe_records", "inputs", "instances")

# whole texts of JSON, and the last one that has no end; nothing is tried twice
TEXTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
MARKS = {"json": b",[{]}", "csv": b",\r\n"}
VALUES = b",[{\r\n"  # of the marks, those that a value comes after
OTHERS = {kind: bytes(set(range(256)) - set(marks)) for kind, marks in MARKS.items()}
STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


class Refused(Exception):
    """A request that is not answered; the message is one sentence for its sender.

    `status` is HTTP's.
    """

    def __init__(self, status: int, why: str):
        super().__init__(why)
        self.status = status


def kind_of(content_types: Sequence[str]) -> Kind:
    """What a request's `Content-Type` says that it holds.

    Raises:
        Refused: there is none, there are several, or it is none that is read.
    """
    named, _, parameters = (content_types[0] if len(content_types) == 1 else "").partition(";")
    plain = re.sub(r"[\s\"]", "", parameters).lower() in ("", "charset=utf-8")
    if (kind := KINDS.get(named.strip().lower())) and plain:
        return kind
    raise Refused(415, f"send {' or '.join(KINDS)} in UTF-8, and say so in Content-Type")


def check(kind: Kind, body: bytes, limits: Serve) -> None:
    """Look at a request.

    Raises:
        Refused: it is no text, no table, or too much of one.
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        raise Refused(400, "the request is not text in UTF-8") from None
    if b"\0" in body:  # JSON in UTF-16 or UTF-32, to Python
        raise Refused(400, "the request is not text in UTF-8")
    if not body.strip():
        raise Refused(400, "the request is empty")
    _count(kind, body, limits)
    if kind == "json":
        _check_json(body)


def _count(kind: Kind, body: bytes, limits: Serve) -> None:
    many = f"the request holds more than the {limits.max_values:,} values allowed"
    if body.count(b'"') > 4 * limits.max_values:
        raise Refused(400, many)
    marks = _outside(kind, body).translate(None, OTHERS[kind])
    if sum(map(marks.count, VALUES)) > limits.max_values:
        raise Refused(400, many)
    if max(accumulate(STEPS.get(mark, 0) for mark in marks), default=0) > limits.max_depth:
        raise Refused(400, f"the request is nested more than {limits.max_depth} levels deep")


def _outside(kind: Kind, body: bytes) -> bytes:
    """What is not inside of quotes."""
    if kind == "json" and b"\\" in body:
        return TEXTS.sub(b"", body)
    return b"".join(body.split(b'"')[::2])  # a tenth of the time, where no quote is escaped


def _check_json(body: bytes) -> None:
    try:
        table = json.loads(body)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Refused(400, f"the request is not valid JSON: {error.msg} at {where}") from None
    except ValueError:  # a number of thousands of digits
        raise Refused(400, "the request holds a number that is too long") from None
    if not isinstance(table, dict) or len(set(FORMS) & set(table)) != 1:
        raise Refused(400, f"the request must be an object with one of {', '.join(FORMS)}")
    if not isinstance(table.get("params", {}), dict | None):
        raise Refused(400, "params must be an object")
    split = table.get("dataframe_split")
    columns = split.get("columns", []) if isinstance(split, dict) else []
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise Refused(400, "columns must be a list of names")
