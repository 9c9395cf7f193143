"""What the restoration model sees: crops of photographs, and what damage makes of them."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stylefuse.config import Split
from stylefuse.data.batches import Normal, load_tiles, random_crops, random_normal, stream_of
from stylefuse.models.artist import to_float, to_levels
from stylefuse.models.blocks.augment import DRAWS
from stylefuse.models.restore.damage import KINDS, damage, damage_some

ALONE = 1 / 3  # share of the run before the discriminator has a say


class DamagedBatch(NamedTuple):
    """What one step sees; pictures are float32 `[batch, crop, crop, 3]` from −1 to 1."""

    damaged: np.ndarray
    clean: np.ndarray
    ramp: np.ndarray  # scalar 0…1: weight of the adversarial loss
    noise: Normal  # standard normal, for the gradient penalty
    draws: np.ndarray  # [batch, DRAWS], for augmentation


class DamagedBatches:
    """Random crops, each in one of the eight ways to lay a square, damaged on the fly.

    They are taken at the prepared size, a half and a quarter of it: a crop of the whole photograph
    teaches what fading does to its lights and darks, one of a part what damage does to detail.

    Args:
        folder: what `stylefuse.data.prepare` wrote.
        split: "train" or "validation".
        settings: sizes and the length of the run.
        seed: the stream's name.

    Raises:
        UserError: the arrays are missing, or their tiles are smaller than a crop.
    """

    def __init__(self, folder: Path, split: Split, settings: Any, seed: int):
        (domain,) = settings.domains
        self.photographs = load_tiles(folder, split, domain, settings.crop)
        halvings = [n for n in (1, 2, 4) if self.photographs.shape[1] // n >= settings.crop]
        self.scales = [_reduced(self.photographs, n) for n in halvings]
        self.split, self.settings, self.seed = split, settings, seed

    def at(self, step: int) -> DamagedBatch:
        """The batch of one step."""
        n, crop = self.settings.batch, self.settings.crop
        stream = stream_of(self.seed, step, self.split)
        rows = stream.integers(len(self.photographs), size=n)
        lays = stream.integers(8, size=n)
        scales = np.sort(stream.integers(len(self.scales), size=n))
        clean = np.concatenate(
            [
                random_crops(tiles, rows[scales == i], lays[scales == i], crop, stream).array()
                for i, tiles in enumerate(self.scales)
            ]
        )
        damaged = np.stack([damage_some(picture, stream) for picture in to_levels(clean)])
        done = step * n / (1000 * self.settings.kimg)
        ramp = np.clip((done - ALONE) / ALONE, 0, 1)
        noise = random_normal((n, crop, crop, 3), stream)
        draws = stream.random((n, DRAWS), dtype=np.float32)
        return DamagedBatch(to_float(damaged), clean, np.array(ramp, np.float32), noise, draws)


def _reduced(tiles: np.ndarray, n: int) -> np.ndarray:
    """Tiles at a smaller size, averaged over n×n pixels."""
    if n == 1:
        return tiles
    count, side = tiles.shape[0], tiles.shape[1] // n
    blocks = tiles[:, : side * n, : side * n].reshape(count, side, n, side, n, 3)
    return np.rint(blocks.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)


def sheet(generator: Any, held_out: DamagedBatches) -> np.ndarray:
    """Per kind of damage a column: the damaged photograph above, restored below."""
    tiles = held_out.photographs
    chosen = tiles[np.linspace(0, len(tiles) - 1, len(KINDS)).astype(int)][:, ::2, ::2]
    damaged = np.stack(
        [
            damage(picture, kind, np.random.default_rng(i))
            for i, (picture, kind) in enumerate(zip(chosen, KINDS, strict=True))
        ]
    )
    restored = to_levels(np.asarray(generator(to_float(damaged))))
    return np.concatenate([np.concatenate([*row], axis=1) for row in (damaged, restored)], axis=0)
