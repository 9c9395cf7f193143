"""The stroke score: how far a picture's brushwork has moved from a photograph's to a painting's.

Distances of colour statistics, and KID, favour pictures that are only tinted. Here colour and
contrast say nothing: only luminance is compared, and every picture gets the same histogram first.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from stylefuse.evaluation.metrics.ssim import luminance

QUANTILES = 257
MAX_COMPONENTS = 40
MIN_RANGE = 0.1  # of the floor, from photographs to a painting whose strokes they have, too
SMALLEST = 1e-6

Maps = Callable[[np.ndarray], Sequence[np.ndarray]]


class Scores(NamedTuple):
    """Results of some pictures.

    Attributes:
        stroke_score: float64 `[n]`: 0 for the photograph, on average 1 for another crop of the
            painting, negative if the strokes are further from the painting's than before.
        nearest: bool `[n]`, whether no other painting has more similar strokes ("top-1").
    """

    stroke_score: np.ndarray
    nearest: np.ndarray


class StrokeSpace:
    """The space in which strokes are compared.

    Statistics of early feature maps are standardised, and projected to the principal components of
    the pictures it is fitted to. Each component is divided by the square root of its deviation,
    which is half of a whitening.

    Args:
        maps: float32 levels `[n, side, side, 3]` → feature maps `[n, height, width, channels]`.
        pictures: uint8 `[n, side, side, 3]`, training pictures of all kinds.
    """

    def __init__(self, maps: Maps, pictures: np.ndarray):
        self._maps = maps
        grid = np.linspace(0, 1, QUANTILES)
        self.histogram = np.mean([np.quantile(luminance(x), grid) for x in pictures], axis=0)
        blocks = self._statistics(pictures)
        self._means = [block.mean(axis=0) for block in blocks]
        self._deviations = [block.std(axis=0) + SMALLEST for block in blocks]
        standard = self._standardised(blocks)
        self._centre = standard.mean(axis=0)
        _, singular, components = np.linalg.svd(standard - self._centre, full_matrices=False)
        count = min(MAX_COMPONENTS, len(pictures) // 2)  # the last ones of few pictures are noise
        deviations = singular[:count] / np.sqrt(len(pictures)) + SMALLEST
        self._projection = components[:count].T / np.sqrt(deviations)

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """The places of uint8 pictures `[n, side, side, 3]`, float64 `[n, components]`."""
        standard = self._standardised(self._statistics(pictures))
        places: np.ndarray = (standard - self._centre) @ self._projection
        return places

    def _statistics(self, pictures: np.ndarray) -> list[np.ndarray]:
        grey = np.stack([equalised(picture, self.histogram) for picture in pictures])
        maps = self._maps(np.repeat(grey[..., None], 3, axis=-1))
        return [block for x in maps for block in stroke_statistics(x.astype(np.float64))]

    def _standardised(self, blocks: Sequence[np.ndarray]) -> np.ndarray:
        """Blocks of statistics side by side; each has the same weight."""
        return np.concatenate(
            [
                (block - mean) / deviation / np.sqrt(block.shape[1])
                for block, mean, deviation in zip(
                    blocks, self._means, self._deviations, strict=True
                )
            ],
            axis=1,
        )


class StrokeScore:
    """Compares outputs with the paintings that they should look like.

    Args:
        space: see `StrokeSpace`.
        crops: uint8 `[paintings, crops, side, side, 3]`, of parts of the paintings that the model
            was not given.
        photographs: uint8 `[photographs, side, side, 3]`, the unpainted content pictures.
    """

    def __init__(self, space: StrokeSpace, crops: np.ndarray, photographs: np.ndarray):
        self._space = space
        count = crops.shape[1]
        places = space(np.concatenate(list(crops))).reshape(len(crops), count, -1)
        self._paintings = places.mean(axis=1)
        # a crop's distance to the mean of the painting's others
        others = (count * self._paintings[:, None] - places) / (count - 1)
        floor = float(np.linalg.norm(places - others, axis=-1).mean())
        self._photographs = self._distances(space(photographs))
        self._ranges = np.maximum(self._photographs.mean(axis=0) - floor, MIN_RANGE * floor)

    def __call__(self, outputs: np.ndarray, rows: np.ndarray) -> Scores:
        """Compute the scores of outputs.

        Args:
            outputs: uint8 `[n, side, side, 3]`.
            rows: the number of the photograph and of the painting of each output, `[n, 2]`.
        """
        places = self._space(outputs)
        photographs, paintings = rows.T
        painted = self._distances(places)[np.arange(len(rows)), paintings]
        unpainted = self._photographs[photographs, paintings]
        score = (unpainted - painted) / self._ranges[paintings]
        return Scores(score, _cosines(places, self._paintings).argmax(axis=1) == paintings)

    def _distances(self, places: np.ndarray) -> np.ndarray:
        """`[n, paintings]`"""
        distances: np.ndarray = np.linalg.norm(places[:, None] - self._paintings, axis=-1)
        return distances


def equalised(picture: np.ndarray, histogram: np.ndarray) -> np.ndarray:
    """The luminance of a picture with another histogram.

    Args:
        picture: uint8 `[height, width, 3]`.
        histogram: evenly spaced quantiles of levels, `[quantiles]`.

    Returns:
        float32 `[height, width]`.
    """
    levels = luminance(picture)
    # levels are whole numbers: small noise gives equal ones an order without a direction
    noise = np.random.default_rng(0).uniform(0, 0.5, levels.shape)
    ranks = np.empty(levels.size, np.int64)
    ranks[np.argsort((levels + noise).ravel())] = np.arange(levels.size)
    shares = ranks.reshape(levels.shape) / (levels.size - 1)
    return np.interp(shares, np.linspace(0, 1, len(histogram)), histogram).astype(np.float32)


def stroke_statistics(maps: np.ndarray) -> list[np.ndarray]:
    """Statistics of feature maps `[n, height, width, channels]` over the places.

    Returns:
        Means and deviations `[n, 2·channels]`, logarithms of the deviations `[n, channels]`, and
        the correlations of all pairs of channels.
    """
    n, _, _, channels = maps.shape
    flat = maps.reshape(n, -1, channels)
    mean = flat.mean(axis=1)
    centred = flat - mean[:, None]
    covariance = centred.transpose(0, 2, 1) @ centred / flat.shape[1]
    deviation = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    correlation = covariance / (deviation[:, :, None] * deviation[:, None] + 1e-4)
    first, second = np.triu_indices(channels, 1)
    return [
        np.concatenate([mean, deviation], axis=1),
        np.log(deviation + 1e-3),
        correlation[:, first, second],
    ]


def _cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = (x / (np.linalg.norm(x, axis=1, keepdims=True) + SMALLEST) for x in (a, b))
    cosines: np.ndarray = a @ b.T
    return cosines
