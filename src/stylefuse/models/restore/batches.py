"""Training batches of the restoration model: degraded and clean crops of photographs."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stylefuse.config import Split
from stylefuse.data.batches import Normal, load_tiles, orient, random_normal, step_rng
from stylefuse.images.arrays import to_float, to_uint8
from stylefuse.images.colour import LUMA
from stylefuse.inference.degradation_features import degradation_features
from stylefuse.inference.degradation_kinds import KINDS
from stylefuse.models.augmentation import DRAWS
from stylefuse.models.restore import Settings
from stylefuse.models.restore.degradation import degrade, degrade_randomly
from stylefuse.models.restore.feature_dataset import make_feature_dataset
from stylefuse.models.restore.undamaged import draw, publish

ADVERSARIAL_START = 1 / 3  # share of the run before the adversarial loss
ADVERSARIAL_RAMP = 1 / 3  # share of the run until it has its full weight
GREY_PROBABILITY = 0.1  # of a photograph without colours, as many old ones are
DRAWING_PROBABILITY = 0.35  # in the first half of the feature data set
JPEG_BLOCK = 8  # pixels; crops are aligned with JPEG's blocks, as whole pictures are
ROWS_PER_KIMG, MAX_ROWS = 125, 2_500  # of each half of the feature data set
ROWS_PER_STEP = 32  # of each half
FEATURE_NOISE = 0.1  # σ of noise added to features against overfitting


class RestoreBatch(NamedTuple):
    """The batch of one step; pictures are float32 `[batch, crop, crop, 3]` in −1…1.

    `row_features`, `row_labels` and `row_points` are rows of a `FeatureDataset`: `ROWS_PER_STEP`
    with random degradations, then as many with degraded colours.
    """

    degraded: np.ndarray
    features: np.ndarray  # [batch, FEATURE_COUNT], of the pictures that the crops are cut from
    labels: np.ndarray  # [batch, kinds], 1 for each kind of degradation
    toned: np.ndarray  # undamaged detail in the degraded colours, see `Degraded`
    row_features: np.ndarray  # [2·ROWS_PER_STEP, FEATURE_COUNT]
    row_labels: np.ndarray  # [2·ROWS_PER_STEP, kinds]
    row_points: np.ndarray  # [ROWS_PER_STEP, 2, POINTS, 3], of the rows with degraded colours
    ramp: np.ndarray  # scalar 0…1: factor of the adversarial loss
    noise: Normal  # standard normal, for the gradient penalty
    draws: np.ndarray  # [batch, DRAWS], for augmentation


class RestoreBatches:
    """Random regions of photographs, degraded on the fly, and a crop of each.

    A region has half of a tile's side or more, in a random orientation. Features are those of the
    region, since a network would overfit to those of the few whole photographs. Because one region
    per crop is still too few to learn degradations of whole pictures, batches also have rows of a
    `FeatureDataset`, for which drawings are degraded too.

    Args:
        folder: what `stylefuse.data.prepare` wrote.
        split: "train" or "validation".
        settings: the model's.
        seed: of the random numbers.

    Raises:
        UserError: the arrays are missing, or their tiles are smaller than a crop.
    """

    def __init__(self, folder: Path, split: Split, settings: Settings, seed: int):
        (domain,) = settings.domains
        self.photographs = load_tiles(folder, split, domain, settings.crop)
        self.split, self.settings, self.seed = split, settings, seed
        rows = min(ROWS_PER_KIMG * settings.kimg, MAX_ROWS) if split == "train" else 0
        self.dataset = make_feature_dataset(
            self.any_picture, self.region, max(ROWS_PER_STEP, int(rows)), seed
        )

    def at(self, step: int) -> RestoreBatch:
        """The batch of one step."""
        n, crop = self.settings.batch, self.settings.crop
        rng = step_rng(self.seed, step, self.split)
        examples = zip(*(self._example(rng) for _ in range(n)), strict=True)
        degraded, features, labels, toned = map(np.stack, examples)
        rows = rng.integers(self.dataset.features.shape[1], size=ROWS_PER_STEP)
        random, colours = self.dataset.features[:, rows]
        feature_noise = FEATURE_NOISE * rng.standard_normal(random.shape, np.float32)
        progress = step * n / (1000 * self.settings.kimg)
        ramp = np.clip((progress - ADVERSARIAL_START) / ADVERSARIAL_RAMP, 0, 1)
        return RestoreBatch(
            degraded=to_float(degraded),
            features=features,
            labels=labels,
            toned=to_float(toned),
            row_features=np.concatenate([random + feature_noise, colours]),
            row_labels=np.concatenate(self.dataset.labels[:, rows]),
            row_points=self.dataset.points[1, rows],
            ramp=np.array(ramp, np.float32),
            noise=random_normal((n, crop, crop, 3), rng),
            draws=rng.random((n, DRAWS), dtype=np.float32),
        )

    def _example(self, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """A degraded crop, features and labels of its region, and its target."""
        crop, region = self.settings.crop, self.region(rng)
        degraded, toned, labels = degrade_randomly(region, rng)
        y, x = JPEG_BLOCK * rng.integers((np.array(region.shape[:2]) - crop) // JPEG_BLOCK + 1)
        window = np.s_[y : y + crop, x : x + crop]
        return degraded[window], degradation_features(degraded), labels, toned[window]

    def region(self, rng: np.random.Generator) -> np.ndarray:
        """A random part of a photograph, uint8 `[height, width, 3]`."""
        crop, side = self.settings.crop, self.photographs.shape[1]
        tile = self.photographs[rng.integers(len(self.photographs))]
        height, width = rng.integers(max(crop, side // 2), side + 1, size=2)
        top, left = rng.integers([side - height + 1, side - width + 1])
        region = tile[top : top + height, left : left + width]
        if rng.random() < GREY_PROBABILITY:
            region = np.rint(region @ LUMA).astype(np.uint8)[..., None].repeat(3, axis=2)
        return np.ascontiguousarray(orient(region, int(rng.integers(8))))

    def any_picture(self, rng: np.random.Generator) -> np.ndarray:
        """A random part of a photograph or a drawing, as it is published: an undamaged picture."""
        is_drawing = rng.random() < DRAWING_PROBABILITY
        return publish(draw(rng) if is_drawing else self.region(rng), rng)


def make_batches(folder: Path, split: Split, settings: Settings, seed: int) -> RestoreBatches:
    """See `RestoreBatches`."""
    return RestoreBatches(folder, split, settings, seed)


def sample_grid(generator: Any, held_out: RestoreBatches) -> np.ndarray:
    """One column per kind of degradation: the degraded photograph above, the restored one below."""
    tiles = held_out.photographs
    pictures = tiles[np.linspace(0, len(tiles) - 1, len(KINDS)).astype(int)][:, ::2, ::2]
    degraded = np.stack(
        [
            degrade(picture, kind, np.random.default_rng(i))
            for i, (picture, kind) in enumerate(zip(pictures, KINDS, strict=True))
        ]
    )
    features = np.stack([degradation_features(picture) for picture in degraded])
    restored = to_uint8(np.asarray(generator(to_float(degraded), features)))
    return np.concatenate([np.concatenate([*row], axis=1) for row in (degraded, restored)], axis=0)
