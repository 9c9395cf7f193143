"""What the transfer model sees: photographs, paintings, and which parts of two are fused."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from stylefuse.config import Split
from stylefuse.data.batches import (
    Crops,
    Normal,
    load_tiles,
    random_crops,
    random_normal,
    stream_of,
)
from stylefuse.models.artist import compiled, to_float, to_levels
from stylefuse.models.blocks.augment import DRAWS

SHOWN = 6
BLOBS = 4  # cells along a side of the noise that masks are made of


class PairBatch(NamedTuple):
    """What one step sees; pictures are `[batch, crop, crop, 3]`."""

    photograph: Crops
    painting: Crops
    reference: Crops  # other crops of the same paintings
    mask: np.ndarray  # [batch, crop, crop, 1]: 1 where a photograph stays, 0 where the next shows
    weight: np.ndarray  # [batch, 1]: of a reference's style; the rest is the next one's
    noise: Normal  # standard normal, for the gradient penalty
    draws: np.ndarray  # [batch, DRAWS], for augmentation


class PairBatches:
    """Random crops, each in one of the eight ways to lay a square.

    The crops of one painting are laid alike, so that a reference still tells the direction of its
    strokes; but no direction is that of all paintings, or it would be printed into every sky.

    Args:
        folder: what `stylefuse.data.prepare` wrote.
        split: "train" or "validation".
        settings: sizes, and the share of fused pictures.
        seed: the stream's name.

    Raises:
        UserError: the arrays are missing, or their tiles are smaller than a crop.
    """

    def __init__(self, folder: Path, split: Split, settings: Any, seed: int):
        self.photographs, self.paintings = (
            load_tiles(folder, split, domain, settings.crop) for domain in settings.domains
        )
        self.split, self.settings, self.seed = split, settings, seed

    def at(self, step: int) -> PairBatch:
        """The batch of one step."""
        n, crop = self.settings.batch, self.settings.crop
        stream = stream_of(self.seed, step, self.split)
        photographs = stream.integers(len(self.photographs), size=n)
        paintings = stream.choice(len(self.paintings), size=n, replace=len(self.paintings) < n)
        lay_photographs, lay_paintings = stream.integers(8, size=(2, n))
        photograph = random_crops(self.photographs, photographs, lay_photographs, crop, stream)
        painting = random_crops(self.paintings, paintings, lay_paintings, crop, stream)
        reference = random_crops(self.paintings, paintings, lay_paintings, crop, stream)
        noise = random_normal((n, crop, crop, 3), stream)

        mask, weight = np.ones((n, crop, crop, 1), np.float32), np.ones((n, 1), np.float32)
        if is_fused(step, self.settings):
            mask = np.stack([_blobs(crop, stream) for _ in range(n)])[..., None]
            weight = stream.random((n, 1), dtype=np.float32)
        draws = stream.random((n, DRAWS), dtype=np.float32)
        return PairBatch(photograph, painting, reference, mask, weight, noise, draws)


def is_fused(step: int, settings: Any) -> bool:
    """Whether a step paints from two photographs and two styles: an even share of all do."""
    return int((step + 1) * settings.fused) > int(step * settings.fused)


def _blobs(side: int, stream: np.random.Generator) -> np.ndarray:
    """Soft-edged random regions, float `[side, side]` from 0 to 1."""
    cells = Image.fromarray(stream.standard_normal((BLOBS, BLOBS), dtype=np.float32))
    field = np.asarray(cells.resize((side, side), Image.Resampling.BICUBIC))
    return 1 / (1 + np.exp(-12 * field))


def sheet(generator: Any, held_out: PairBatches) -> np.ndarray:
    """Held-out photographs down the side, paintings along the top."""
    photographs, paintings = _spread(held_out.photographs), _spread(held_out.paintings)
    side = photographs.shape[1]
    rows = [np.concatenate([np.full((side, side, 3), 255, np.uint8), *paintings], 1)]
    styles, paint = to_float(paintings), compiled(generator)
    for photograph in photographs:
        painted = paint(to_float(np.stack([photograph] * SHOWN)), styles)
        rows.append(np.concatenate([photograph, *to_levels(painted)], 1))
    whole = Image.fromarray(np.concatenate(rows))
    return np.asarray(whole.reduce(max(1, side // 128)))


def _spread(tiles: np.ndarray) -> np.ndarray:
    """A few tiles from the whole length."""
    return np.asarray(tiles[np.linspace(0, len(tiles) - 1, SHOWN).astype(int)])
