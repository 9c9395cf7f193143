"""The model as `mlflow models serve` loads it: base64 pictures in, base64 pictures out.

Whatever a request holds, the answer is a picture or one sentence, and the server stays up.
"""

import logging
import threading
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.exceptions import MlflowException

from stylefuse.errors import UserError
from stylefuse.serving.codec import decode, encode
from stylefuse.serving.package import INPUTS, OUTPUT, read_limits
from stylefuse.serving.painter import Painter, PaintOptions

AT_ONCE = 2  # pictures painted at the same time; each one may take gigabytes

logger = logging.getLogger(__name__)


def _load_pyfunc(data_path: str) -> "TransferService":
    """What MLflow calls with the folder that `serving.package.write_package` made."""
    return TransferService(Path(data_path))


class TransferService:
    """Answers requests; safe to use from several threads.

    Raises:
        UserError: the folder holds no whole model.
    """

    def __init__(self, folder: Path):
        self.limits = read_limits(folder)
        self.painter = Painter(folder, self.limits)
        self.turns = threading.BoundedSemaphore(AT_ONCE)

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Paint the pictures of a request.

        Args:
            frame: the columns "content" and "style" hold pictures in base64.
            params: fields of `PaintOptions`, for all rows.

        Returns:
            The column "picture", a PNG in base64 for each row.

        Raises:
            MlflowException: a client's mistake, in one sentence that names the row; the server
                answers with status 400.
        """
        try:
            self._check(frame)
            options = PaintOptions(**(params or {}))
            pictures = [self._answer(frame, row, options) for row in range(len(frame))]
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from None
        except Exception:
            logger.exception("a request could not be answered")
            raise MlflowException.invalid_parameter_value(
                "the request could not be answered; the server's log says why"
            ) from None
        return pd.DataFrame({OUTPUT: pictures})

    def _check(self, frame: pd.DataFrame) -> None:
        missing = [column for column in INPUTS if column not in frame]
        if missing:
            raise UserError(f"the column {missing[0]!r} is missing; send {' and '.join(INPUTS)}")
        if frame.empty:
            raise UserError("the request holds no rows; send at least one")
        if len(frame) > self.limits.max_batch:
            raise UserError(
                f"the request holds {len(frame)} rows, more than the {self.limits.max_batch} "
                "allowed; send several requests"
            )

    def _answer(self, frame: pd.DataFrame, row: int, options: PaintOptions) -> str:
        where = f"row {row + 1} of {len(frame)}"
        texts = []
        for column in INPUTS:
            value = frame[column].iloc[row]
            if not isinstance(value, str):
                raise UserError(f"{where}: {column} is no text; send a picture file in base64")
            texts.append(value)
        with self.turns:
            content, style = (
                decode(text, f"{where}: {column}", self.limits.max_pixels)
                for text, column in zip(texts, INPUTS, strict=True)
            )
            return encode(self.painter.paint(content, self.painter.style_code([style]), options))
