"""MLflow's scoring application, and a shorter way to the same answer.

MLflow makes a table of each request, compares it with the model's signature, and has a web
framework pass it on, which takes a good part of the time of a small picture. A request that plainly
is what the signature asks for goes past that. Every other one is MLflow's to read, to convert or to
refuse.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from PIL import Image

from stylefuse.errors import UserError
from stylefuse.models.task import Task
from stylefuse.registry.package import dials
from stylefuse.serving.host_check import App, header, refuse, replayed
from stylefuse.serving.metrics import SCORING
from stylefuse.serving.pyfunc import PaintService
from stylefuse.serving.request_checks import kind_of

EXACT = 1 << 53  # up to here a whole number is the same as a float


class Plain(NamedTuple):
    """A request that needs no conversion.

    Attributes:
        rows: each with texts, lists of texts and whole numbers by the names of inputs.
        params: values of dials.
    """

    rows: list[dict[str, Any]]
    params: dict[str, Any]


class Scoring:
    """An ASGI application that answers plain requests, and lets another one answer the rest.

    Args:
        service: the model.
        otherwise: MLflow's application for it.
        seconds: that an answer may take.
    """

    def __init__(self, service: PaintService, otherwise: App, seconds: float):
        self._service, self._otherwise, self._seconds = service, otherwise, seconds

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if (scope["type"], scope.get("method"), scope.get("path")) != ("http", "POST", SCORING):
            await self._otherwise(scope, receive, send)
            return
        message = await receive()  # the guard hands a request on in one piece
        try:
            work = asyncio.to_thread(self._answer, header(scope, "content-type"), message["body"])
            answer = await asyncio.wait_for(work, self._seconds)
        except UserError as error:
            await refuse(send, 400, str(error))
        except TimeoutError:
            await refuse(send, 504, "the answer took too long")
        else:
            if answer is None:
                await self._otherwise(scope, replayed(message, receive), send)
            else:
                await _send(send, answer)

    def _answer(self, content_types: list[str], body: bytes) -> bytes | None:
        asked = plain(body, self._service.task) if kind_of(content_types) == "json" else None
        if asked is None:
            return None
        pictures = self._service.answer(*asked)
        return json.dumps({"predictions": [{"picture": text} for text in pictures]}).encode()


def plain(body: bytes, task: Task) -> Plain | None:
    """A request whose every value is of the type that the signature names; None for another.

    Args:
        body: JSON, an object.
        recipe: names the inputs and the dials.
    """
    table = json.loads(body)
    params = table.pop("params", None) or {}
    if len(table) != 1 or not _are_dials(params, dials(task)):
        return None
    rows = table.get("dataframe_records") or _split(table.get("dataframe_split"))
    if not isinstance(rows, list) or not rows or not all(_is_row(row, task) for row in rows):
        return None
    return Plain(rows, params)


def _split(table: Any) -> Any:
    """The rows of a table whose columns are named apart."""
    if not isinstance(table, dict) or {*table} != {"columns", "data"}:
        return None
    columns, data = table["columns"], table["data"]
    whole = isinstance(data, list) and len({*columns}) == len(columns)
    if not whole or not all(isinstance(row, list) and len(row) == len(columns) for row in data):
        return None
    return [dict(zip(columns, row, strict=True)) for row in data]


def _is_row(row: Any, task: Task) -> bool:
    kinds = {**task.inputs, **task.optional_inputs}
    return (
        isinstance(row, dict)
        and {*task.inputs} - {*task.repeatable_inputs} <= {*row} <= {*kinds}
        and all(
            _is_value(v, kinds[name], name in task.repeatable_inputs) for name, v in row.items()
        )
    )


def _is_value(value: Any, kind: type, any_number: bool) -> bool:
    if kind is not Image.Image:
        return _is_whole(value)
    if any_number and isinstance(value, list):
        return bool(value) and all(isinstance(one, str) for one in value)
    return isinstance(value, str)


def _are_dials(params: Any, known: Mapping[str, Any]) -> bool:
    return isinstance(params, dict) and all(
        name in known and _is_dial(value, known[name]) for name, value in params.items()
    )


def _is_dial(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        return isinstance(value, list) and bool(value) and all(map(_is_number, value))
    if isinstance(default, bool | str):
        return type(value) is type(default)
    return _is_whole(value) if isinstance(default, int) else _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or _is_whole(value)


def _is_whole(value: Any) -> bool:
    return type(value) is int and abs(value) < EXACT


async def _send(send: Any, body: bytes) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
