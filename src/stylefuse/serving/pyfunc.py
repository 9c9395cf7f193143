"""The MLflow pyfunc model: requests of pictures and numbers in, pictures out.

Registered models name this module as their loader, so it keeps its name.
"""

import logging
import numbers
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.environment_variables import MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import DEADLINE_EXCEEDED
from PIL import Image

from stylefuse.cancellation import (
    Cancellation,
    Cancelled,
    active_cancellation,
    check_cancelled,
)
from stylefuse.errors import UserError
from stylefuse.images.base64 import DecodedPicture, decode_cached, encode
from stylefuse.inference.options import Options
from stylefuse.inference.predictor import load_predictor
from stylefuse.inference.style_file import BASE64_START, LearnedStyle, decode_style
from stylefuse.monitoring.request_log import ANSWERED, CANCELLED, FAILED, REFUSED, RequestLog
from stylefuse.registry.integrity.signing import TRUSTED_VARIABLE, trusted_keys, verify_signature
from stylefuse.registry.package import (
    ERRORS,
    FORMAT,
    NOTICE,
    OUTPUT,
    RAISE,
    RETURN,
    read_limits,
)
from stylefuse.serving.slots import Slots

PictureStatistics = tuple[str, Future[dict[str, float]]]  # name of the input, its statistics
MAX_PICTURES_AT_ONCE = 2  # decoded and painted at the same time

logger = logging.getLogger(__name__)


def _load_pyfunc(data_path: str) -> "PaintService":
    """MLflow's entry point.

    Args:
        data_path: the folder that `registry.package.write_package` wrote.

    Raises:
        UserError: the version's signature does not match, or its files are incomplete.
    """
    folder = Path(data_path)
    version = next(parent for parent in folder.parents if (parent / "MLmodel").exists())
    trusted = trusted_keys()
    signer = verify_signature(version, trusted)
    if not trusted:
        logger.warning("signed by %s; %s names no trusted key", signer, TRUSTED_VARIABLE)
    return PaintService(folder)


class PaintService:
    """Paints the pictures of requests; safe to use from several threads.

    Statistics of the pictures are written to the file that STYLEFUSE_REQUEST_LOG names. A cancelled
    request stops painting and frees its slot, see `stylefuse.cancellation`.

    Args:
        folder: that `registry.package.write_package` wrote.

    Raises:
        UserError: the model's files are incomplete.
    """

    def __init__(self, folder: Path):
        self.limits = read_limits(folder)
        self.predictor = load_predictor(folder, self.limits.max_side)
        self.slots = Slots(MAX_PICTURES_AT_ONCE)
        self.request_log = RequestLog.from_environment()
        self.log_writer = ThreadPoolExecutor(1, "request-log")  # so that no request waits for it

    def get_raw_model(self) -> "PaintService":
        """This object, for `mlflow.pyfunc.PyFuncModel.get_raw_model`."""
        return self

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Paint the pictures of a request; MLflow calls this.

        Args:
            frame: a column for each of the model's inputs: pictures in base64, lists of them, or
                whole numbers.
            params: the model's options, "format" and "errors"; they apply to all rows.

        Returns:
            The column "picture": a picture file in base64 for each row. If a picture was scaled
            down, also a column "notice" that says so. With "errors" of "return" there always is
            this column; it says why a row has no picture.

        Raises:
            MlflowException: the request is invalid (status 400; the message names the row), or it
                was cancelled (status 504).
        """
        try:
            answers = self.answer(frame.to_dict("records"), params or {})
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None
        except Cancelled:
            raise MlflowException("the request was cancelled", DEADLINE_EXCEEDED) from None
        return pd.DataFrame(answers).fillna("")

    def answer(
        self,
        rows: Sequence[Mapping[Any, Any]],
        params: Mapping[str, Any],
        count: Callable[[str], None] = lambda _: None,
    ) -> list[dict[str, str]]:
        """`predict` without tables.

        Args:
            rows: of the request.
            params: its options.
            count: is called with each painted picture; may refuse the answer by raising an error.

        Returns:
            For each row a picture file in base64, and a notice if it was scaled down.

        Raises:
            UserError: the request is invalid; the message names the row.
            Cancelled: the active cancellation was cancelled, or MLflow's timeout has passed.
        """
        start, outcome = time.perf_counter(), ANSWERED
        statistics: list[PictureStatistics] = []
        try:
            with _cancellation().active():
                self._check_table(rows)
                form, paint, options = self._options(params)
                answers = []
                for place, row in self._places(rows):
                    answers.append(paint(place, row, options, form, statistics))
                    count(answers[-1][OUTPUT])
                return answers
        except Cancelled:
            outcome = CANCELLED
            raise
        except UserError:
            outcome = REFUSED
            raise
        except Exception:
            outcome = FAILED
            logger.exception("a request could not be answered")
            raise UserError(
                "the request could not be answered; the reason is in the server's log",
                code="internal-error",
            ) from None
        finally:
            if self.request_log:
                duration_s = time.perf_counter() - start
                self.log_writer.submit(self._log, self.request_log, outcome, duration_s, statistics)

    def _check_table(self, rows: Sequence[Mapping[Any, Any]]) -> None:
        if not rows:
            raise UserError("the request holds no rows; send at least one", code="rows-missing")
        names = list(self.predictor.inputs)
        missing = [
            n for n in names if n not in rows[0] and n not in self.predictor.repeatable_inputs
        ]
        if missing:
            raise UserError(
                f"the column {missing[0]!r} is missing; send {' and '.join(names)}",
                code="column-missing",
            )

    def _options(
        self, params: Mapping[str, Any]
    ) -> tuple[str, Callable[..., dict[str, str]], Options]:
        """The format of the answer, how a row is painted, and the model's options; MLflow turns
        lists into arrays."""
        values = {n: tuple(v) if isinstance(v, list | np.ndarray) else v for n, v in params.items()}
        for name, value in values.items():
            if value is None or (isinstance(value, tuple) and None in value):
                raise UserError(f"{name} is null; leave it out", code="option-invalid")
        form, errors = str(values.pop(FORMAT, "png")), values.pop(ERRORS, RAISE)
        ways = {RAISE: self._paint, RETURN: self._paint_or_explain}
        if errors not in ways:
            raise UserError(
                f"errors must be one of {', '.join(ways)}, not {errors!r}", code="option-invalid"
            )
        return form, ways[errors], self.predictor.options(**values)

    def _places(self, rows: Sequence[Mapping[Any, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
        """What messages call a row, and the row without optional inputs that are empty."""
        optional = {*self.predictor.repeatable_inputs, *self.predictor.optional_inputs}
        for number, row in enumerate(rows, 1):
            values = {str(n): v for n, v in row.items() if not (n in optional and _is_empty(v))}
            yield f"row {number} of {len(rows)}", values

    def _paint_or_explain(self, place: str, *args: Any) -> dict[str, str]:
        """`_paint`; a row that is not valid has a notice, and no picture."""
        try:
            return {NOTICE: ""} | self._paint(place, *args)
        except UserError as error:
            return {OUTPUT: "", NOTICE: str(error).removeprefix(f"{place}: ")}

    def _paint(
        self,
        place: str,
        row: dict[str, Any],
        options: Options,
        form: str,
        statistics: list[PictureStatistics],
    ) -> dict[str, str]:
        kinds = {**self.predictor.inputs, **self.predictor.optional_inputs}
        try:
            with self.slots.take():
                self._check_row(row)
                values = {
                    name: self._read(row[name], kind, name, statistics)
                    for name, kind in kinds.items()
                    if name in row
                }
                check_cancelled()
                inputs = {name: _pictures(value) for name, value in values.items()}
                picture = self.predictor.paint(inputs, options)
                check_cancelled()
                text = encode(picture, self.predictor.picture_origin(), form)
                return {OUTPUT: text} | self._notice(values, options, picture)
        except UserError as error:
            raise UserError(f"{place}: {error}", code=error.code) from None

    def _check_row(self, row: Mapping[str, Any]) -> None:
        for name in self.predictor.inputs:
            if name not in row and name not in self.predictor.repeatable_inputs:
                raise UserError(f"{name} is missing", code="column-missing")

    def _notice(
        self, values: Mapping[str, Any], options: Options, painted: Image.Image
    ) -> dict[str, str]:
        """What to tell about a picture that was scaled down because it is too large, and about
        styles that were learned for another model."""
        first = next(iter(values.values()))
        limit, notices = self.limits.max_side, []
        is_large = isinstance(first, DecodedPicture) and max(first.size) > limit
        if is_large and not getattr(options, "size", 0):
            sizes = ["x".join(map(str, picture.size)) for picture in (first, painted)]
            notices.append(
                f"scaled down from {sizes[0]} to {sizes[1]}, because serve.max_side is {limit}"
            )
        for style in _learned_styles(values):
            if style.weights != self.predictor.model.weights:
                notices.append(
                    "a style was learned for another transfer model, so its paintings are used"
                )
        return {NOTICE: "; ".join(dict.fromkeys(notices))} if notices else {}

    def _read(
        self,
        value: Any,
        kind: type,
        name: str,
        statistics: list[PictureStatistics],
    ) -> Any:
        """A value of a row: a number, a `DecodedPicture`, a `LearnedStyle` or a list of them; adds
        the statistics of its pictures."""
        if kind is int:
            return whole_number(value, name)
        if isinstance(value, list | np.ndarray) and name in self.predictor.repeatable_inputs:
            if len(value) > self.limits.max_batch:
                raise UserError(
                    f"{name} is a list of {len(value)} pictures, more than the "
                    f"{self.limits.max_batch} allowed",
                    code="too-many-pictures",
                )
            return [self._read_style(item, name, statistics) for item in value]
        return self._read_style(value, name, statistics)

    def _read_style(
        self, value: Any, name: str, statistics: list[PictureStatistics]
    ) -> DecodedPicture | LearnedStyle:
        """A picture, or where several are allowed a learned style."""
        is_file = isinstance(value, str) and value.startswith(BASE64_START)
        if is_file and name in self.predictor.repeatable_inputs:
            return decode_style(value, name)
        return self._read_picture(value, name, statistics)

    def _read_picture(
        self, value: Any, name: str, statistics: list[PictureStatistics]
    ) -> DecodedPicture:
        if not isinstance(value, str):
            raise UserError(
                f"{name} is not text; send a picture file in base64", code="picture-not-text"
            )
        max_side = self.limits.max_side
        if name in self.predictor.repeatable_inputs:  # a request may hold many of them
            max_side = min(max_side, self.predictor.repeatable_side or max_side)
        decoded = decode_cached(value, name, self.limits.max_pixels, max_side)
        if self.request_log:
            statistics.append((name, self.log_writer.submit(lambda: decoded.statistics)))
        return decoded

    def _log(
        self,
        request_log: RequestLog,
        outcome: str,
        duration_s: float,
        statistics: list[PictureStatistics],
    ) -> None:
        try:
            pictures = [(name, values.result()) for name, values in statistics]
            request_log.record(self.predictor.name, outcome, duration_s, pictures)
        except Exception:
            logger.exception("a request was not logged")


def _cancellation() -> Cancellation:
    """The active one; in MLflow's own server, which has none, one with MLflow's timeout."""
    return active_cancellation() or Cancellation(MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT.get())


def _learned_styles(values: Mapping[str, Any]) -> list[LearnedStyle]:
    lists = (value if isinstance(value, list) else [value] for value in values.values())
    return [item for items in lists for item in items if isinstance(item, LearnedStyle)]


def _pictures(value: Any) -> Any:
    """A value of a row as the predictor takes it."""
    if isinstance(value, list):
        return [_pictures(item) for item in value]
    return value.picture if isinstance(value, DecodedPicture) else value


def _is_empty(value: Any) -> bool:
    """Whether a cell of a table has no value."""
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))


def whole_number(value: Any, name: str) -> int:
    """Any kind of number as an int.

    Args:
        value: a cell of a table.
        name: what messages call it.

    Raises:
        UserError: the value is not a whole number.
    """
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not is_number or not (isinstance(value, numbers.Integral) or float(value).is_integer()):
        raise UserError(
            f"{name} is not a whole number; send one without quotes, like 7",
            code="not-a-whole-number",
        )
    return int(value)
