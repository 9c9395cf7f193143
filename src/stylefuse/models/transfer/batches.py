"""Training batches of the transfer model: crops of photographs and paintings, and fusion masks."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from stylefuse.config import Split
from stylefuse.data.batches import Crops, Normal, load_tiles, random_crops, random_normal, step_rng
from stylefuse.images.arrays import to_float, to_uint8
from stylefuse.models.augmentation import DRAWS
from stylefuse.models.compilation import compile_for_inference
from stylefuse.models.transfer import Settings, is_fused

GRID_SIDE = 6  # photographs and paintings of a sample grid
MAX_GRID_CELL = 128  # pixels; larger tiles are reduced
MASK_CELLS = 4  # along a side of the noise that masks are made from


class TransferBatch(NamedTuple):
    """The batch of one step; pictures are `[batch, crop, crop, 3]`."""

    photograph: Crops
    painting: Crops
    reference: Crops  # other crops of the same paintings
    mask: np.ndarray  # [batch, crop, crop, 1]: 1 shows the photograph, 0 the next one in the batch
    weight: np.ndarray  # [batch, 1]: of the reference's style; 1 − weight is of the next one's
    noise: Normal  # standard normal, for the gradient penalty
    draws: np.ndarray  # [batch, DRAWS], for augmentation


class TransferBatches:
    """Random crops in random orientations.

    The crops of one painting share an orientation, so that the reference shows the direction of its
    strokes. Over all paintings every orientation is as frequent; otherwise the most frequent stroke
    direction would appear in every sky.

    Args:
        folder: what `stylefuse.data.prepare` wrote.
        split: "train" or "validation".
        settings: the model's.
        seed: of the random numbers.

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
        photograph_orientations, painting_orientations = rng.integers(8, size=(2, n))
        photograph = random_crops(self.photographs, photographs, photograph_orientations, crop, rng)
        painting = random_crops(self.paintings, paintings, painting_orientations, crop, rng)
        reference = random_crops(self.paintings, paintings, painting_orientations, crop, rng)
        noise = random_normal((n, crop, crop, 3), rng)

        mask, weight = np.ones((n, crop, crop, 1), np.float32), np.ones((n, 1), np.float32)
        if is_fused(step, self.settings):
            mask = np.stack([_random_mask(crop, rng) for _ in range(n)])[..., None]
            weight = rng.random((n, 1), dtype=np.float32)
        draws = rng.random((n, DRAWS), dtype=np.float32)
        return TransferBatch(photograph, painting, reference, mask, weight, noise, draws)


def make_batches(folder: Path, split: Split, settings: Settings, seed: int) -> TransferBatches:
    """See `TransferBatches`."""
    return TransferBatches(folder, split, settings, seed)


def sample_grid(generator: Any, held_out: TransferBatches) -> np.ndarray:
    """Held-out photographs, one per row, in the styles of held-out paintings, one per column."""
    photographs = _evenly_spaced(held_out.photographs)
    paintings = _evenly_spaced(held_out.paintings)
    side = photographs.shape[1]
    rows = [np.concatenate([np.full((side, side, 3), 255, np.uint8), *paintings], 1)]
    styles, paint = to_float(paintings), compile_for_inference(generator)
    for photograph in photographs:
        painted = paint(to_float(np.stack([photograph] * GRID_SIDE)), styles)
        rows.append(np.concatenate([photograph, *to_uint8(painted)], 1))
    grid = Image.fromarray(np.concatenate(rows))
    return np.asarray(grid.reduce(max(1, side // MAX_GRID_CELL)))


def _random_mask(side: int, rng: np.random.Generator) -> np.ndarray:
    """Random regions with soft edges, float `[side, side]` from 0 to 1."""
    cells = Image.fromarray(rng.standard_normal((MASK_CELLS, MASK_CELLS), dtype=np.float32))
    field = np.asarray(cells.resize((side, side), Image.Resampling.BICUBIC))
    return 1 / (1 + np.exp(-12 * field))


def _evenly_spaced(tiles: np.ndarray) -> np.ndarray:
    """`GRID_SIDE` tiles at equal distances, from the first to the last."""
    return np.asarray(tiles[np.linspace(0, len(tiles) - 1, GRID_SIDE).astype(int)])
