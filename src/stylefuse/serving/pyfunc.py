"""A model as `mlflow models serve` loads it: pictures and numbers in, pictures out.

Whatever a request holds, the answer is a picture or one sentence, and the server stays up.
"""

import logging
import numbers
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException

from stylefuse.errors import UserError
from stylefuse.images.base64 import decode_cached, encode
from stylefuse.inference.options import Options
from stylefuse.models.keras_import import import_keras
from stylefuse.models.saving import load_predictor
from stylefuse.monitoring.request_log import ANSWERED, FAILED, REFUSED, RequestLog
from stylefuse.registry.integrity.signing import TRUSTED_VARIABLE, check, trusted_keys
from stylefuse.registry.package import FORMAT, OUTPUT, read_limits

Figures = tuple[str, Future[dict[str, float]]]  # which input a picture was, and its statistics
AT_ONCE = 2  # pictures painted at the same time; each one may take gigabytes

logger = logging.getLogger(__name__)


def _load_pyfunc(data_path: str) -> "PaintService":
    """What MLflow calls with the folder that `serving.package.write_package` made.

    Raises:
        UserError: the version is not what was signed, or it holds no whole model.
    """
    folder = Path(data_path)
    version = next(parent for parent in folder.parents if (parent / "MLmodel").exists())
    trusted = trusted_keys()
    signer = check(version, trusted)
    if not trusted:
        logger.warning("signed by %s; %s names no one to trust", signer, TRUSTED_VARIABLE)
    return PaintService(folder)


class PaintService:
    """Answers requests; safe to use from several threads.

    What it was sent is noted, as figures, in the file that STYLEFUSE_REQUEST_LOG names.

    Raises:
        UserError: the folder holds no whole model.
    """

    def __init__(self, folder: Path):
        import_keras()
        self.limits = read_limits(folder)
        self.task, self.predictor = load_predictor(folder, self.limits.max_side)
        self.turns = threading.BoundedSemaphore(AT_ONCE)
        self.seen = RequestLog.of_environment()
        self.notes = ThreadPoolExecutor(1, "notes")  # whoever asks does not wait for them

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Paint the pictures of a request.

        Args:
            frame: a column for each of the recipe's inputs and extras: pictures in base64, lists
                of them, or whole numbers.
            params: fields of the recipe's options, and "format", for all rows.

        Returns:
            The column "picture", a file in base64 for each row.

        Raises:
            MlflowException: a client's mistake, in one sentence that names the row; the server
                answers with status 400.
        """
        try:
            pictures = self.answer(frame.to_dict("records"), params or {})
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None
        return pd.DataFrame({OUTPUT: pictures})

    def answer(self, rows: Sequence[Mapping[Any, Any]], params: Mapping[str, Any]) -> list[str]:
        """The same without tables.

        Returns:
            A file in base64 for each row.

        Raises:
            UserError: a client's mistake, in one sentence that names the row.
        """
        start, outcome = time.perf_counter(), ANSWERED
        sent: list[Figures] = []
        try:
            self._check(rows)
            form, options = self._dials(params)
            return [self._paint(row, options, form, sent) for row in self._named(rows)]
        except UserError:
            outcome = REFUSED
            raise
        except Exception:
            outcome = FAILED
            logger.exception("a request could not be answered")
            raise UserError(
                "the request could not be answered; the server's log says why"
            ) from None
        finally:
            if self.seen:
                seconds = time.perf_counter() - start
                self.notes.submit(self._note, self.seen, outcome, seconds, sent)

    def _check(self, rows: Sequence[Mapping[Any, Any]]) -> None:
        if not rows:
            raise UserError("the request holds no rows; send at least one")
        names = list(self.task.inputs)
        missing = [n for n in names if n not in rows[0] and n not in self.task.repeatable_inputs]
        if missing:
            raise UserError(f"the column {missing[0]!r} is missing; send {' and '.join(names)}")
        if len(rows) > self.limits.max_batch:
            raise UserError(
                f"the request holds {len(rows)} rows, more than the {self.limits.max_batch} "
                "allowed; send several requests"
            )

    def _dials(self, params: Mapping[str, Any]) -> tuple[str, Options]:
        """The format of what comes back, and the recipe's options; MLflow makes arrays of lists."""
        given = {n: tuple(v) if isinstance(v, list | np.ndarray) else v for n, v in params.items()}
        return str(given.pop(FORMAT, "png")), self.task.options(**given)

    def _named(self, rows: Sequence[Mapping[Any, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
        """What to call a row, and what it holds, without what it may and does leave out."""
        free = {*self.task.repeatable_inputs, *self.task.optional_inputs}
        for number, row in enumerate(rows, 1):
            held = {str(n): v for n, v in row.items() if not (n in free and _absent(v))}
            yield f"row {number} of {len(rows)}", held

    def _paint(
        self,
        row: tuple[str, dict[str, Any]],
        options: Options,
        form: str,
        sent: list[Figures],
    ) -> str:
        place, held = row
        known = {**self.task.inputs, **self.task.optional_inputs}
        try:
            with self.turns:
                request = {
                    n: self._read(held[n], kind, n, sent) for n, kind in known.items() if n in held
                }
                return encode(
                    self.predictor.paint(request, options), self.task.picture_origin, form
                )
        except UserError as error:
            raise UserError(f"{place}: {error}") from None

    def _note(self, seen: RequestLog, outcome: str, seconds: float, sent: list[Figures]) -> None:
        """Note a request that is answered, with the figures of its pictures."""
        try:
            figures = [(name, found.result()) for name, found in sent]
            seen.note(self.task.name, outcome, seconds, figures)
        except Exception:
            logger.exception("a request was not noted")

    def _read(self, value: Any, kind: type, name: str, sent: list[Figures]) -> Any:
        """What a place of a row holds; the figures of pictures are added to `sent`."""
        if kind is int:
            return whole_number(value, name)
        if isinstance(value, list | np.ndarray) and name in self.task.repeatable_inputs:
            if len(value) > self.limits.max_batch:
                raise UserError(
                    f"{name} is a list of {len(value)} pictures, more than the "
                    f"{self.limits.max_batch} allowed"
                )
            return [self._read(one, kind, name, sent) for one in value]
        if not isinstance(value, str):
            raise UserError(f"{name} is not text; send a picture file in base64")
        one = decode_cached(value, name, self.limits.max_pixels)
        if self.seen:
            sent.append((name, self.notes.submit(lambda: one.figures)))
        return one.picture


def _absent(value: Any) -> bool:
    """Whether a table holds nothing in a place."""
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))


def whole_number(value: Any, name: str) -> int:
    """An int from whatever kind of number a table holds.

    Raises:
        UserError: it is no number, or not a whole one.
    """
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not (isinstance(value, numbers.Integral) or float(value).is_integer()):
        raise UserError(f"{name} is not a whole number; send one without quotes, like 7")
    return int(value)
