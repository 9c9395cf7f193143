"""A model as `mlflow models serve` loads it: pictures and numbers in, pictures out.

Whatever a request holds, the answer is a picture or one sentence, and the server stays up.
"""

import logging
import numbers
import threading
import time
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.models.files import load_artist
from stylefuse.models.recipe import Options
from stylefuse.monitoring.seen import ANSWERED, FAILED, REFUSED, Picture, Seen
from stylefuse.monitoring.statistics import statistics
from stylefuse.registry.signing import TRUSTED_VARIABLE, check, trusted_keys
from stylefuse.serving.codec import decode, encode
from stylefuse.serving.package import OUTPUT, read_limits

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
        self.limits = read_limits(folder)
        self.recipe, self.artist = load_artist(folder, self.limits.max_side)
        self.turns = threading.BoundedSemaphore(AT_ONCE)
        self.seen = Seen.of_environment()

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Paint the pictures of a request.

        Args:
            frame: a column for each of the recipe's inputs: pictures in base64, or whole numbers.
            params: fields of the recipe's options, for all rows.

        Returns:
            The column "picture", a PNG in base64 for each row.

        Raises:
            MlflowException: a client's mistake, in one sentence that names the row; the server
                answers with status 400.
        """
        start, outcome = time.perf_counter(), ANSWERED
        sent: list[Picture] = []
        try:
            self._check(frame)
            options = self.recipe.options(**(params or {}))
            pictures = [self._answer(frame, row, options, sent) for row in range(len(frame))]
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
        missing = [name for name in names if name not in frame]
        if missing:
            raise UserError(f"the column {missing[0]!r} is missing; send {' and '.join(names)}")
        if frame.empty:
            raise UserError("the request holds no rows; send at least one")
        if len(frame) > self.limits.max_batch:
            raise UserError(
                f"the request holds {len(frame)} rows, more than the {self.limits.max_batch} "
                "allowed; send several requests"
            )

    def _answer(self, frame: pd.DataFrame, row: int, options: Options, sent: list[Picture]) -> str:
        try:
            with self.turns:
                request = {
                    name: self._read(frame[name].iloc[row], kind, name)
                    for name, kind in self.recipe.inputs.items()
                }
                if self.seen:
                    shown = [(n, v) for n, v in request.items() if isinstance(v, Image.Image)]
                    sent += [(name, statistics(picture)) for name, picture in shown]
                return encode(self.artist.paint(request, options), self.recipe)
        except UserError as error:
            raise UserError(f"row {row + 1} of {len(frame)}: {error}") from None

    def _read(self, value: Any, kind: type, name: str) -> Image.Image | int:
        if kind is int:
            return whole_number(value, name)
        if not isinstance(value, str):
            raise UserError(f"{name} is no text; send a picture file in base64")
        return decode(value, name, self.limits.max_pixels)


def whole_number(value: Any, name: str) -> int:
    """An int from whatever kind of number a table holds.

    Raises:
        UserError: it is no number, or not a whole one.
    """
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not (isinstance(value, numbers.Integral) or float(value).is_integer()):
        raise UserError(f"{name} is no whole number; send one without quotes, like 7")
    return int(value)
