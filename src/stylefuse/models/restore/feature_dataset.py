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
from stylefuse.models.restore.degradation import (
    Degraded,
    degrade_colours,
    degrade_randomly,
    degrade_with,
)

POINTS = 64  # pixels of each picture
UNDAMAGED_PROBABILITY = 0.3  # of a picture of any kind, beside those of `degrade_randomly`

Draw = Callable[[np.random.Generator], np.ndarray]
Degrade = Callable[[np.ndarray, np.random.Generator], Degraded]


class FeatureDataset(NamedTuple):
    """Two halves: pictures of any kind, undamaged or with random degradations, and photographs with
    degraded colours, half of them beside other degradations."""

    features: np.ndarray  # [2, rows, FEATURE_COUNT], see `degradation_features`
    labels: np.ndarray  # [2, rows, kinds], 1 for each kind of degradation
    points: np.ndarray  # [2, rows, 2, POINTS, 3], pixels in degraded and in true colours, −1…1


def make_feature_dataset(draw: Draw, draw_photograph: Draw, rows: int, seed: int) -> FeatureDataset:
    """Draw and degrade pictures, and compute their features.

    Args:
        draw: draws a picture of any kind, uint8 `[height, width, 3]`.
        draw_photograph: draws a photograph, for the second half.
        rows: pictures in each half.
        seed: of the random numbers.
    """
    halves = (
        make_rows(draw, degrade_some, range(rows), seed),
        make_rows(draw_photograph, degrade_colours, range(rows, 2 * rows), seed),
    )
    return FeatureDataset(*map(np.stack, zip(*halves, strict=True)))


def make_rows(draw: Draw, degrade: Degrade, numbers: range, seed: int) -> tuple[np.ndarray, ...]:
    """One half of a `FeatureDataset`.

    Args:
        draw: draws a picture.
        degrade: degrades it.
        numbers: of the rows; each row has its own random numbers, so that the result does not
            depend on the number of threads.
        seed: of the random numbers.
    """

    def make_row(number):
        rng = np.random.default_rng([seed, number])
        picture = draw(rng)
        degraded, toned, labels = degrade(picture, rng)
        pixels = rng.integers(picture.shape[0] * picture.shape[1], size=POINTS)
        points = np.stack([to_float(x.reshape(-1, 3)[pixels]) for x in (toned, picture)])
        return degradation_features(degraded), labels, points

    with ThreadPoolExecutor() as pool:
        results = pool.map(make_row, numbers)
        examples = list(track(results, "computing degradation features", len(numbers)))
    return tuple(np.stack(column) for column in zip(*examples, strict=True))


def degrade_some(picture: np.ndarray, rng: np.random.Generator) -> Degraded:
    """`degrade_randomly`, but more pictures stay undamaged, as most that people send."""
    undamaged = rng.random() < UNDAMAGED_PROBABILITY
    return degrade_with(picture, [], rng) if undamaged else degrade_randomly(picture, rng)
