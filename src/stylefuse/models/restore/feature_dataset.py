"""Many damaged pictures of which only what was measured is kept, and a few points: enough to learn
what is done to whole pictures, at a fraction of the time that crops of them take."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from rich.progress import track

from stylefuse.images.arrays import to_float
from stylefuse.inference.degradation_features import degradation_features
from stylefuse.models.restore.degradation import degrade_colours, degrade_randomly

POINTS = 64  # of each picture


class FeatureDataset(NamedTuple):
    """The first half was damaged in any way, the second in its colours alone."""

    measured: np.ndarray  # [2, rows, SIZE], see `degradation_features`
    kinds: np.ndarray  # [2, rows, kinds], 1 for each kind of damage
    points: np.ndarray  # [2, rows, 2, POINTS, 3], damaged and clean, from −1 to 1


def make_feature_dataset(
    draw: Callable[[np.random.Generator], np.ndarray], rows: int, seed: int
) -> FeatureDataset:
    """Damage and measure pictures.

    Args:
        draw: a picture, uint8 `[height, width, 3]`.
        rows: pictures in each half.
        seed: the same study comes of the same seed.
    """
    streams = [np.random.default_rng([seed, row]) for row in range(2 * rows)]
    ways = [degrade_randomly] * rows + [degrade_colours] * rows

    def one(rng, way):
        picture = draw(rng)
        degraded, kinds = way(picture, rng)
        at = rng.integers(picture.shape[0] * picture.shape[1], size=POINTS)
        points = np.stack([to_float(x.reshape(-1, 3)[at]) for x in (degraded, picture)])
        return degradation_features(degraded), kinds, points

    with ThreadPoolExecutor() as pool:
        made = list(track(pool.map(one, streams, ways), "studying damage", 2 * rows))
    parts = (np.stack(part) for part in zip(*made, strict=True))
    return FeatureDataset(*(part.reshape(2, rows, *part.shape[1:]) for part in parts))
