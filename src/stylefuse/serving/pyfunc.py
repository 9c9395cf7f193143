"""A model as `mlflow models serve` loads it: pictures and numbers in, pictures out.

Whatever a request holds, the answer is a picture or one sentence, and the server stays up.
"""

import logging
import numbers
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.models.files import load_artist
from stylefuse.models.recipe import Options
from stylefuse.monitoring.seen import ANSWERED, FAILED, REFUSED, Picture, Seen
from stylefuse.monitoring.statistics import statistics
from stylefuse.quiet import import_keras
from stylefuse.registry.signing import TRUSTED_VARIABLE, check, trusted_keys
from stylefuse.serving.codec import decode, encode
from stylefuse.serving.package import FORMAT, OUTPUT, read_limits

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

    What it was sent is noted, as figures, in the file that STYLEFUSE_SEEN names.

    Raises:
        UserError: the folder holds no whole model.
    """

    def __init__(self, folder: Path):
        import_keras()
        self.limits = read_limits(folder)
        self.recipe, self.artist = load_artist(folder, self.limits.max_side)
        self.turns = threading.BoundedSemaphore(AT_ONCE)
        self.seen = Seen.of_environment()

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
        start, outcome = time.perf_counter(), ANSWERED
        sent: list[Picture] = []
        try:
            self._check(frame)
            form, options = self._dials(params or {})
            pictures = [self._answer(row, options, form, sent) for row in self._rows(frame)]
        except UserError as error:
            outcome = REFUSED
            raise MlflowException.invalid_parameter_value(str(error)) from None
        except Exception:
            outcome = FAILED
            logger.exception("a request could not be answered")
            raise MlflowException.invalid_parameter_value(
                "the request could not be answered; the server's log says why"
            ) from None
        finally:
            if self.seen:
                self.seen.note(self.recipe.name, outcome, time.perf_counter() - start, sent)
        return pd.DataFrame({OUTPUT: pictures})

    def _check(self, frame: pd.DataFrame) -> None:
        names = list(self.recipe.inputs)
        missing = [n for n in names if n not in frame and n not in self.recipe.any_number]
        if missing:
            raise UserError(f"the column {missing[0]!r} is missing; send {' and '.join(names)}")
        if frame.empty:
            raise UserError("the request holds no rows; send at least one")
        if len(frame) > self.limits.max_batch:
            raise UserError(
                f"the request holds {len(frame)} rows, more than the {self.limits.max_batch} "
                "allowed; send several requests"
            )

    def _dials(self, params: dict[str, Any]) -> tuple[str, Options]:
        """The format of what comes back, and the recipe's options; MLflow makes arrays of lists."""
        given = {n: tuple(v) if isinstance(v, list | np.ndarray) else v for n, v in params.items()}
        return str(given.pop(FORMAT, "png")), self.recipe.options(**given)

    def _rows(self, frame: pd.DataFrame) -> Iterator[tuple[str, dict[str, Any]]]:
        """What to call a row, and what it holds, without what it may and does leave out."""
        free = {*self.recipe.any_number, *self.recipe.extras}
        for number, row in enumerate(frame.to_dict("records"), 1):
            held = {str(n): v for n, v in row.items() if not (n in free and _absent(v))}
            yield f"row {number} of {len(frame)}", held

    def _answer(
        self, row: tuple[str, dict[str, Any]], options: Options, form: str, sent: list[Picture]
    ) -> str:
        place, held = row
        known = {**self.recipe.inputs, **self.recipe.extras}
        try:
            with self.turns:
                request = {
                    n: self._read(held[n], kind, n) for n, kind in known.items() if n in held
                }
                if self.seen:
                    shown = [(n, v) for n, v in request.items() if isinstance(v, Image.Image)]
                    sent += [(name, statistics(picture)) for name, picture in shown]
                return encode(self.artist.paint(request, options), self.recipe, form)
        except UserError as error:
            raise UserError(f"{place}: {error}") from None

    def _read(self, value: Any, kind: type, name: str) -> Any:
        if kind is int:
            return whole_number(value, name)
        if isinstance(value, list | np.ndarray) and name in self.recipe.any_number:
            if len(value) > self.limits.max_batch:
                raise UserError(
                    f"{name} is a list of {len(value)} pictures, more than the "
                    f"{self.limits.max_batch} allowed"
                )
            return [self._read(one, kind, name) for one in value]
        if not isinstance(value, str):
            raise UserError(f"{name} is no text; send a picture file in base64")
        return decode(value, name, self.limits.max_pixels)


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
        raise UserError(f"{name} is no whole number; send one without quotes, like 7")
    return int(value)
