"""A shorter path to the answer of MLflow's scoring application.

MLflow builds a table from each request, compares it with the model's signature, and answers through
a web framework; for a small picture that takes a good part of the time. It also converts or ignores
what does not fit. Requests in JSON take the shorter path; MLflow answers those in CSV.
"""

import asyncio
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, NamedTuple

from PIL import Image

from stylefuse.cancellation import Cancelled
from stylefuse.errors import UserError
from stylefuse.inference.predictor import Predictor
from stylefuse.registry.package import NOTICE, OUTPUT, request_parameters
from stylefuse.serving.answer_budget import AnswerBudget
from stylefuse.serving.host_check import ASGIApp, send_error, send_json
from stylefuse.serving.limits import PARSED_JSON, TIMEOUT_ERROR
from stylefuse.serving.option_checks import check_options, is_whole
from stylefuse.serving.prometheus import SCORING_PATH
from stylefuse.serving.pyfunc import PaintService
from stylefuse.serving.request_checks import RequestRejected
from stylefuse.serving.tables import rows_of
from stylefuse.serving.waiting_line import WaitingLine

NOTICE_HEADER = b"x-stylefuse-notice"  # of the first picture that was scaled down
NO_CSV = "send application/json to this model; CSV holds no lists of pictures"
HEALTH_PATHS = "/ping", "/health"
MAX_ANSWER = 64_000_000  # bytes of one answer, as `serve.max_body` of a request
MAX_ANSWERS_HELD = 128_000_000  # of all of them
MAX_AT_WORK = 6  # requests whose pictures take turns; the others wait, for half of the timeout


class PlainRequest(NamedTuple):
    """A request that needs no conversion.

    Attributes:
        rows: texts, lists of texts and whole numbers by the names of the model's inputs.
        params: values of the model's options.
    """

    rows: list[dict[str, Any]]
    params: dict[str, Any]


class Answer(NamedTuple):
    """The parts of an answer's body, and its headers beside the content's."""

    parts: list[bytes]
    headers: list[tuple[bytes, bytes]]


class Scoring:
    """An ASGI application that answers requests in JSON itself and passes the others on.

    It finds the parsed body in the scope, where `RequestLimits` puts it.

    Args:
        service: the model.
        mlflow_app: MLflow's application for the same model.
        timeout_s: how long an answer may take.
        stuck_s: health checks fail after no slot for pictures has become free for so long.
    """

    def __init__(
        self, service: PaintService, mlflow_app: ASGIApp, timeout_s: float, stuck_s: float
    ):
        self._service, self._mlflow_app = service, mlflow_app
        self._timeout_s, self._stuck_s = timeout_s, stuck_s
        self._budget = AnswerBudget(MAX_ANSWER, MAX_ANSWERS_HELD)
        self._line = WaitingLine(MAX_AT_WORK, timeout_s / 2)
        # threads of its own: a challenger that hangs must not hold those of the champion
        self._threads = ThreadPoolExecutor(MAX_AT_WORK, "scoring")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") in HEALTH_PATHS and self._service.slots.full_seconds > self._stuck_s:
            await send_error(send, 503, f"no picture was finished for {self._stuck_s:g} seconds")
            return
        try:
            request = self._plain_request(scope)
        except UserError as error:
            await send_error(send, _status(error), str(error))
            return
        if request is None:
            await self._mlflow_app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._timeout_s), self._line.take():
                context = copy_context()  # with the active cancellation
                loop = asyncio.get_running_loop()
                answer = await loop.run_in_executor(
                    self._threads, context.run, self._answer, request
                )
        except UserError as error:
            await send_error(send, _status(error), str(error))
        except (TimeoutError, Cancelled):
            await send_error(send, 504, TIMEOUT_ERROR)
        else:
            # joined here, so for one answer at a time; sent at once, so that the connection counts
            # all of what its client has not read
            body = b"".join(answer.parts)
            answer.parts.clear()
            await send_json(send, 200, body, *answer.headers)

    def _plain_request(self, scope: Any) -> PlainRequest | None:
        is_scoring = scope.get("method") == "POST" and scope.get("path") == SCORING_PATH
        table = scope.get(PARSED_JSON) if is_scoring else None
        if not table:
            if is_scoring and self._service.predictor.repeatable_inputs:
                raise RequestRejected(415, NO_CSV, "content-type-unsupported")
            return None
        predictor = self._service.predictor
        return plain_request(table, predictor) or PlainRequest(
            rows_of(table, predictor), table.get("params") or {}
        )

    def _answer(self, request: PlainRequest) -> Answer:
        with self._budget.answer() as count:
            return self._in_parts(self._service.answer(request.rows, request.params, count))

    @staticmethod
    def _in_parts(rows: list[dict[str, str]]) -> Answer:
        notices = [row[NOTICE] for row in rows if row[OUTPUT] and row.get(NOTICE)]
        headers = [(NOTICE_HEADER, notices[0].encode())] if notices else []
        rows.reverse()
        parts = [b'{"predictions": [']
        while rows:  # from the last one, so that no text is held twice
            parts += [json.dumps(rows.pop()).encode(), b", " if rows else b"]}"]
        return Answer(parts, headers)


def _status(error: UserError) -> int:
    return error.status if isinstance(error, RequestRejected) else 400


def plain_request(
    table: Mapping[str, Any], predictor: type[Predictor] | Predictor
) -> PlainRequest | None:
    """The request if its every value has the type that the signature names; None otherwise.

    Args:
        table: the parsed body.
        predictor: names the inputs and the options.

    Raises:
        UserError: an option has another name or type than the predictor's.
    """
    params = table.get("params") or {}
    if len(table.keys() - {"params"}) != 1 or not isinstance(params, dict):
        return None
    check_options(params, request_parameters(predictor))
    rows = table.get("dataframe_records") or _split_rows(table.get("dataframe_split"))
    if not isinstance(rows, list) or not rows or not all(_is_row(row, predictor) for row in rows):
        return None
    return PlainRequest(rows, params)


def _split_rows(table: Any) -> list[dict[str, Any]] | None:
    """The rows of a table in pandas' "split" orientation."""
    if not isinstance(table, dict) or {*table} != {"columns", "data"}:
        return None
    columns, data = table["columns"], table["data"]
    if not isinstance(data, list) or len({*columns}) != len(columns):
        return None
    if not all(isinstance(row, list) and len(row) == len(columns) for row in data):
        return None
    return [dict(zip(columns, row, strict=True)) for row in data]


def _is_row(row: Any, predictor: type[Predictor] | Predictor) -> bool:
    kinds = {**predictor.inputs, **predictor.optional_inputs}
    return (
        isinstance(row, dict)
        and {*predictor.inputs} - {*predictor.repeatable_inputs} <= {*row} <= {*kinds}
        and all(
            _is_input(value, kinds[name], name in predictor.repeatable_inputs)
            for name, value in row.items()
        )
    )


def _is_input(value: Any, kind: type, repeatable: bool) -> bool:
    if kind is not Image.Image:
        return is_whole(value)
    if repeatable and isinstance(value, list):
        return bool(value) and all(isinstance(text, str) for text in value)
    return isinstance(value, str)
