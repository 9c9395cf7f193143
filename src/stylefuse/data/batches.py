"""Batches as a pure function of seed and step: a resumed run sees the same ones."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from stylefuse.config import Split
from stylefuse.errors import UserError


class Batch(NamedTuple):
    """What one step sees; pictures are float32 `[batch, crop, crop, 3]` from −1 to 1."""

    photograph: np.ndarray
    painting: np.ndarray
    reference: np.ndarray  # other crops of the same paintings
    noise: np.ndarray  # standard normal, for the gradient penalty


class Batches:
    """Random crops of a split's prepared arrays, each in one of the eight ways to lay a square.

    The crops of one painting are laid alike, so that a reference still tells the direction of its
    strokes; but no direction is that of all paintings, or it would be printed into every sky.

    Args:
        folder: what `stylefuse.data.prepare` wrote.
        split: "train" or "validation".
        crop: side of a crop in pixels.
        batch: pictures of each kind in a batch.
        seed: the stream's name.

    Raises:
        UserError: the arrays are missing, or their tiles are smaller than a crop.
    """

    def __init__(self, folder: Path, split: Split, crop: int, batch: int, seed: int):
        try:
            self.photographs, self.paintings = (
                np.load(folder / f"{split}_{domain}.npy", mmap_mode="r")
                for domain in ("photograph", "painting")
            )
        except FileNotFoundError as error:
            raise UserError(f"{error.filename} is missing; run `dvc repro prepare`") from None
        side = min(self.photographs.shape[1], self.paintings.shape[1])
        if side < crop:
            raise UserError(
                f"prepared tiles are {side} pixels wide, less than a crop of {crop}; "
                "run `dvc repro prepare`"
            )
        self.split, self.crop, self.batch, self.seed = split, crop, batch, seed

    def at(self, step: int) -> Batch:
        """The batch of one step."""
        stream = np.random.default_rng([self.seed, step, sum(self.split.encode())])
        photographs = stream.integers(len(self.photographs), size=self.batch)
        enough = len(self.paintings) >= self.batch
        paintings = stream.choice(len(self.paintings), size=self.batch, replace=not enough)
        lay_photographs, lay_paintings = stream.integers(8, size=(2, self.batch))
        return Batch(
            self._crops(self.photographs, photographs, lay_photographs, stream),
            self._crops(self.paintings, paintings, lay_paintings, stream),
            self._crops(self.paintings, paintings, lay_paintings, stream),
            stream.standard_normal((self.batch, self.crop, self.crop, 3), dtype=np.float32),
        )

    def _crops(self, tiles, rows, lays, stream) -> np.ndarray:
        room = tiles.shape[1] - self.crop + 1
        crops = np.empty((len(rows), self.crop, self.crop, 3), np.float32)
        for i, (row, lay) in enumerate(zip(rows, lays, strict=True)):
            y, x = stream.integers(room, size=2)
            crop = np.rot90(tiles[row, y : y + self.crop, x : x + self.crop], lay // 2)
            crops[i] = crop[:, ::-1] if lay % 2 else crop
        return crops / 127.5 - 1
