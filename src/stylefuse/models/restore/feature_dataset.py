"""A data set of the features of many degraded pictures.

The layers that predict degradations and colour corrections need features and a few pixels of each
picture. A data set of those alone costs a fraction of the time that crops of as many pictures
would.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from rich.progress import track

from stylefuse.images.arrays import to_float
from stylefuse.inference.degradation_features import degradation_features
from stylefuse.models.restore.degradation import degrade_colours, degrade_randomly

POINTS = 64  # pixels of each picture


class FeatureDataset(NamedTuple):
    """Two halves: pictures with random degradations, and pictures with degraded colours, half of
    them beside other degradations."""

    features: np.ndarray  # [2, rows, FEATURE_COUNT], see `degradation_features`
    labels: np.ndarray  # [2, rows, kinds], 1 for each kind of degradation
    points: np.ndarray  # [2, rows, 2, POINTS, 3], pixels in degraded and in true colours, −1…1


def make_feature_dataset(
    draw: Callable[[np.random.Generator], np.ndarray], rows: int, seed: int
) -> FeatureDataset:
    """Draw and degrade pictures, and compute their features.

    Args:
        draw: draws a picture, uint8 `[height, width, 3]`.
        rows: pictures in each half.
        seed: of the random numbers; each picture has its own generator, so that the result does
            not depend on the number of threads.
    """
    rngs = [np.random.default_rng([seed, row]) for row in range(2 * rows)]
    degradations = [degrade_randomly] * rows + [degrade_colours] * rows

    def make_row(rng, degrade):
        picture = draw(rng)
        degraded, toned, labels = degrade(picture, rng)
        pixels = rng.integers(picture.shape[0] * picture.shape[1], size=POINTS)
        points = np.stack([to_float(x.reshape(-1, 3)[pixels]) for x in (toned, picture)])
        return degradation_features(degraded), labels, points

    with ThreadPoolExecutor() as pool:
        results = pool.map(make_row, rngs, degradations)
        examples = list(track(results, "computing degradation features", 2 * rows))
    columns = (np.stack(column) for column in zip(*examples, strict=True))
    return FeatureDataset(*(column.reshape(2, rows, *column.shape[1:]) for column in columns))
