"""What the restoration model sees: crops of photographs, and what damage makes of them."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stylefuse.config import Split
from stylefuse.data.batches import Normal, load_tiles, orient, random_normal, step_rng
from stylefuse.images.arrays import to_float, to_levels
from stylefuse.inference.degradation_features import degradation_features
from stylefuse.models.augmentation import DRAWS
from stylefuse.models.restore import Settings
from stylefuse.models.restore.degradation import KINDS, degrade, degrade_randomly
from stylefuse.models.restore.feature_dataset import make_feature_dataset

ALONE = 1 / 3  # share of the run before the discriminator has a say
GRID = 8  # pixels; crops keep to the blocks of a JPEG, as whole pictures do
STUDIES_PER_KIMG, MOST_STUDIES = 125, 10_000  # rows of each half of a study
PER_STEP = 8  # of them in a step
DOUBT = 0.1  # σ of what is added to what was measured, lest it be learned by heart


class RestoreBatch(NamedTuple):
    """What one step sees; pictures are float32 `[batch, crop, crop, 3]` from −1 to 1."""

    degraded: np.ndarray
    measured: (
        np.ndarray
    )  # [batch, SIZE], `degradation_features` of the pictures that the crops are of
    clean: np.ndarray
    studies: np.ndarray  # [2·PER_STEP, SIZE], evidence of more pictures, see `FeatureDataset`
    kinds: np.ndarray  # [2·PER_STEP, kinds], 1 for each kind of damage
    points: np.ndarray  # [PER_STEP, 2, POINTS, 3], damaged and clean, of the second half of them
    ramp: np.ndarray  # scalar 0…1: weight of the adversarial loss
    noise: Normal  # standard normal, for the gradient penalty
    draws: np.ndarray  # [batch, DRAWS], for augmentation


class RestoreBatches:
    """Parts of photographs, each in one of the eight ways to lay a square, damaged on the fly; of
    each the network sees a crop, and what was measured of the part.

    A part is half of a tile to all of it, high and wide: there are few photographs, and what is
    measured of a whole one would be learned by heart. What the network does to a whole picture it
    could still not learn from one picture per crop; it also sees rows of a `FeatureDataset`.

    Args:
        folder: what `stylefuse.data.prepare` wrote.
        split: "train" or "validation".
        settings: sizes and the length of the run.
        seed: the rng's name.

    Raises:
        UserError: the arrays are missing, or their tiles are smaller than a crop.
    """

    def __init__(self, folder: Path, split: Split, settings: Settings, seed: int):
        (domain,) = settings.domains
        self.photographs = load_tiles(folder, split, domain, settings.crop)
        self.split, self.settings, self.seed = split, settings, seed
        rows = min(STUDIES_PER_KIMG * settings.kimg, MOST_STUDIES) if split == "train" else 0
        self.study = make_feature_dataset(self._part, max(PER_STEP, int(rows)), seed)

    def at(self, step: int) -> RestoreBatch:
        """The batch of one step."""
        n, crop = self.settings.batch, self.settings.crop
        rng = step_rng(self.seed, step, self.split)
        degraded, measured, clean = zip(*(self._one(rng) for _ in range(n)), strict=True)
        chosen = rng.integers(self.study.measured.shape[1], size=PER_STEP)
        studies, kinds = self.study.measured[:, chosen], self.study.kinds[:, chosen]
        doubt = DOUBT * rng.standard_normal(studies[0].shape, np.float32)
        done = step * n / (1000 * self.settings.kimg)
        ramp = np.clip((done - ALONE) / ALONE, 0, 1)
        return RestoreBatch(
            to_float(np.stack(degraded)),
            np.stack(measured),
            to_float(np.stack(clean)),
            np.concatenate([studies[0] + doubt, studies[1]]),
            np.concatenate([*kinds]),
            self.study.points[1, chosen],
            np.array(ramp, np.float32),
            random_normal((n, crop, crop, 3), rng),
            rng.random((n, DRAWS), dtype=np.float32),
        )

    def _one(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        crop, part = self.settings.crop, self._part(rng)
        degraded, _ = degrade_randomly(part, rng)
        y, x = GRID * rng.integers((np.array(part.shape[:2]) - crop) // GRID + 1)
        seen = np.s_[y : y + crop, x : x + crop]
        return degraded[seen], degradation_features(degraded), part[seen]

    def _part(self, rng: np.random.Generator) -> np.ndarray:
        """uint8 `[height, width, 3]`"""
        crop, side = self.settings.crop, self.photographs.shape[1]
        tile = self.photographs[rng.integers(len(self.photographs))]
        height, width = rng.integers(max(crop, side // 2), side + 1, size=2)
        top, left = rng.integers([side - height + 1, side - width + 1])
        part = tile[top : top + height, left : left + width]
        return np.ascontiguousarray(orient(part, int(rng.integers(8))))


def make_batches(folder: Path, split: Split, settings: Settings, seed: int) -> RestoreBatches:
    """See `RestoreBatches`."""
    return RestoreBatches(folder, split, settings, seed)


def sample_grid(generator: Any, held_out: RestoreBatches) -> np.ndarray:
    """Per kind of damage a column: the damaged photograph above, restored below."""
    tiles = held_out.photographs
    chosen = tiles[np.linspace(0, len(tiles) - 1, len(KINDS)).astype(int)][:, ::2, ::2]
    degraded = np.stack(
        [
            degrade(picture, kind, np.random.default_rng(i))
            for i, (picture, kind) in enumerate(zip(chosen, KINDS, strict=True))
        ]
    )
    measured = np.stack([degradation_features(picture) for picture in degraded])
    restored = to_levels(np.asarray(generator(to_float(degraded), measured)))
    return np.concatenate([np.concatenate([*row], axis=1) for row in (degraded, restored)], axis=0)
