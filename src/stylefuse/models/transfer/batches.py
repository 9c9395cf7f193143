"""What the transfer model sees: photographs, paintings, and which parts of two are fused."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from stylefuse.config import Split
from stylefuse.data.batches import Crops, Normal, load_tiles, random_crops, random_normal, step_rng
from stylefuse.images.arrays import to_float, to_levels
from stylefuse.inference.compilation import compiled
from stylefuse.models.augmentation import DRAWS
from stylefuse.models.transfer import Settings, is_fused

SHOWN = 6
BLOBS = 4  # cells along a side of the noise that masks are made of


class TransferBatch(NamedTuple):
    """What one step sees; pictures are `[batch, crop, crop, 3]`."""

    photograph: Crops
    painting: Crops
    reference: Crops  # other crops of the same paintings
    mask: np.ndarray  # [batch, crop, crop, 1]: 1 where a photograph stays, 0 where the next shows
    weight: np.ndarray  # [batch, 1]: of a reference's style; the rest is the next one's
    noise: Normal  # standard normal, for the gradient penalty
    draws: np.ndarray  # [batch, DRAWS], for augmentation


class TransferBatches:
    """Random crops, each in one of the eight ways to lay a square.

    The crops of one painting are laid alike, so that a reference still tells the direction of its
    strokes; but no direction is that of all paintings, or it would be printed into every sky.

    Args:
        folder: what `stylefuse.data.prepare` wrote.
        split: "train" or "validation".
        settings: sizes, and the share of fused pictures.
        seed: the rng's name.

    Raises:
        UserError: the arrays are missing, or their tiles are smaller than a crop.
    """

    def __init__(self, folder: Path, split: Split, settings: Settings, seed: int):
        self.photographs, self.paintings = (
            load_tiles(folder, split, domain, settings.crop) for domain in settings.domains
        )
        self.split, self.settings, self.seed = split, settings, seed

    def at(self, step: int) -> TransferBatch:
        """The batch of one step."""
        n, crop = self.settings.batch, self.settings.crop
        rng = step_rng(self.seed, step, self.split)
        photographs = rng.integers(len(self.photographs), size=n)
        paintings = rng.choice(len(self.paintings), size=n, replace=len(self.paintings) < n)
        lay_photographs, lay_paintings = rng.integers(8, size=(2, n))
        photograph = random_crops(self.photographs, photographs, lay_photographs, crop, rng)
        painting = random_crops(self.paintings, paintings, lay_paintings, crop, rng)
        reference = random_crops(self.paintings, paintings, lay_paintings, crop, rng)
        noise = random_normal((n, crop, crop, 3), rng)

        mask, weight = np.ones((n, crop, crop, 1), np.float32), np.ones((n, 1), np.float32)
        if is_fused(step, self.settings):
            mask = np.stack([_blobs(crop, rng) for _ in range(n)])[..., None]
            weight = rng.random((n, 1), dtype=np.float32)
        draws = rng.random((n, DRAWS), dtype=np.float32)
        return TransferBatch(photograph, painting, reference, mask, weight, noise, draws)


def make_batches(folder: Path, split: Split, settings: Settings, seed: int) -> TransferBatches:
    """See `TransferBatches`."""
    return TransferBatches(folder, split, settings, seed)


def _blobs(side: int, rng: np.random.Generator) -> np.ndarray:
    """Soft-edged random regions, float `[side, side]` from 0 to 1."""
    cells = Image.fromarray(rng.standard_normal((BLOBS, BLOBS), dtype=np.float32))
    field = np.asarray(cells.resize((side, side), Image.Resampling.BICUBIC))
    return 1 / (1 + np.exp(-12 * field))


def sample_grid(generator: Any, held_out: TransferBatches) -> np.ndarray:
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
