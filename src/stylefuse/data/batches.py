"""Batches of training pictures as pure functions of seed and step, so that runs can be resumed."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stylefuse.config import Split
from stylefuse.errors import UserError


def load_tiles(folder: Path, split: Split, domain: str, crop: int) -> np.ndarray:
    """Map a split's prepared array of one domain into memory.

    Args:
        folder: what `stylefuse.data.prepare` wrote.
        split: "train", "validation" or "test".
        domain: of the pictures, such as "photograph".
        crop: side of the crops that will be cut, in pixels.

    Returns:
        uint8 `[tiles, side, side, 3]`.

    Raises:
        UserError: the array is missing, or its tiles are smaller than a crop.
    """
    path = folder / f"{split}_{domain}.npy"
    try:
        tiles = np.load(path, mmap_mode="r")
    except FileNotFoundError:
        message = f"{path} is missing; run `dvc repro prepare`"
        raise UserError(message, code="tiles-missing") from None
    if (side := tiles.shape[1]) < crop:
        raise UserError(
            f"the tiles of {path} are {side} pixels wide, less than a crop of {crop}; "
            "run `dvc repro prepare`",
            code="tiles-too-small",
        )
    return tiles


def step_rng(seed: int, step: int, split: Split) -> np.random.Generator:
    """The random numbers of one step, different in each split."""
    return np.random.default_rng([seed, step, sum(split.encode())])


class Crops(NamedTuple):
    """Square crops that are still to be cut: on the host, or on the device that holds the tiles."""

    tiles: np.ndarray  # uint8 [tiles, side, side, 3]
    rows: np.ndarray  # which tile each crop is from, ints [n]
    tops: np.ndarray  # upper left corner of each crop, ints [n]
    lefts: np.ndarray
    orientations: np.ndarray  # ints [n] from 0 to 7, see `orient`
    side: int  # of a crop, pixels

    def array(self) -> np.ndarray:
        """float32 `[n, side, side, 3]` from −1 to 1."""
        pictures = np.empty((len(self.rows), self.side, self.side, 3), np.float32)
        places = zip(self.rows, self.tops, self.lefts, self.orientations, strict=True)
        for i, (row, y, x, orientation) in enumerate(places):
            pictures[i] = orient(self.tiles[row, y : y + self.side, x : x + self.side], orientation)
        return pictures / 127.5 - 1


class Normal(NamedTuple):
    """Standard normal numbers that are still to be drawn."""

    shape: tuple[int, ...]
    key: int

    def array(self) -> np.ndarray:
        """float32 of the shape."""
        return np.random.default_rng(self.key).standard_normal(self.shape, dtype=np.float32)


def orient(picture: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror a picture `[height, width, 3]`; returns a view.

    Args:
        picture: any picture.
        orientation: 0 to 7; half of it, rounded down, is the number of quarter turns, and odd
            numbers mirror.
    """
    turned = np.rot90(picture, orientation // 2)
    return turned[:, ::-1] if orientation % 2 else turned


def random_crops(
    tiles: np.ndarray,
    rows: np.ndarray,
    orientations: np.ndarray,
    side: int,
    rng: np.random.Generator,
) -> Crops:
    """Crops at random places of the tiles `rows`, see `Crops`."""
    tops, lefts = rng.integers(tiles.shape[1] - side + 1, size=(2, len(rows)))
    return Crops(tiles, np.asarray(rows), tops, lefts, np.asarray(orientations), side)


def random_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Normal:
    """Standard normal numbers whose key `rng` draws, see `Normal`."""
    return Normal(shape, int(rng.integers(2**31)))


def arrays(batch: tuple) -> list[np.ndarray]:
    """A batch with its crops cut and its normal numbers drawn."""
    return [part.array() if isinstance(part, Crops | Normal) else part for part in batch]


class Prefetcher:
    """Makes the arrays of the next batch in a thread while the current one is in use.

    Args:
        batch: makes the batch of a step.
    """

    def __init__(self, batch: Callable[[int], tuple]):
        self._batch = batch
        self._worker = ThreadPoolExecutor(1)
        self._next: tuple[int, Future] | None = None

    def at(self, step: int) -> list[np.ndarray]:
        """The arrays of one step's batch. Those of the next step are begun."""
        if self._next is None or self._next[0] != step:
            self._next = step, self._submit(step)
        batch, self._next = self._next[1], (step + 1, self._submit(step + 1))
        return batch.result()

    def _submit(self, step: int) -> Future:
        return self._worker.submit(lambda: arrays(self._batch(step)))
