"""Statistical comparison of two models by their per-picture results."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stylefuse.evaluation.metrics.kid import squared_mmd

KID = "kid"


@dataclass(frozen=True)
class PictureResults:
    """Results of one model for every output picture.

    The results of two models are comparable if they come from the same held-out pictures.

    Attributes:
        primary: the metric that decides: "kid", or one of `metrics`.
        metrics: name → value of each output, `[n]`; higher is better.
        groups: `[n]`, outputs with the same number share an input picture and are not independent.
        features: of the outputs, `[n, d]`; needed for KID, as are the next two.
        references: features of the held-out pictures that outputs should resemble, `[m, d]`.
        reference_groups: `[m]`, references with the same number are crops of one picture.
        paired: whether output i of every model comes from the same input.
    """

    primary: str
    metrics: Mapping[str, np.ndarray]
    groups: np.ndarray
    features: np.ndarray | None = None
    references: np.ndarray | None = None
    reference_groups: np.ndarray | None = None
    paired: bool = True


@dataclass(frozen=True)
class Difference:
    """The difference of two models in one metric; the sign is such that higher is better.

    Attributes:
        champion: the champion's value.
        challenger: the challenger's value.
        low: lower end of the bootstrap interval of the gain.
        high: upper end of the interval.
    """

    champion: float
    challenger: float
    low: float
    high: float

    @property
    def gain(self) -> float:
        """Challenger minus champion."""
        return self.challenger - self.champion


def compare(
    champion: PictureResults,
    challenger: PictureResults,
    confidence: float,
    resamples: int,
    seed: int,
) -> dict[str, Difference]:
    """Compare two models in every metric, with a bootstrap interval of the challenger's gain.

    Input pictures are resampled with replacement, whole groups at a time (the cluster bootstrap,
    Davison & Hinkley 1997, section 3.8), and so are the references. The interval is given by
    percentiles of the gains. Paired outputs of both models are resampled together.

    Args:
        champion: results of the champion.
        challenger: results of the challenger on the same pictures.
        confidence: of the interval, 0 to 1.
        resamples: number of bootstrap resamples.
        seed: of the resampling.

    Returns:
        The primary metric first, then the others. KID is given as −KID, so that higher is better.
    """
    rng = np.random.default_rng(seed)
    challenger_weights = _bootstrap_weights(challenger.groups, resamples, rng)
    champion_weights = (
        challenger_weights
        if champion.paired
        else _bootstrap_weights(champion.groups, resamples, rng)
    )
    differences = {}
    if champion.primary == KID:
        reference_weights = _bootstrap_weights(champion.reference_groups, resamples, rng)
        differences[KID] = _difference(
            _negative_kid(champion, champion_weights, reference_weights),
            _negative_kid(challenger, challenger_weights, reference_weights),
            confidence,
        )
    for name in sorted(champion.metrics, key=lambda name: name != champion.primary):
        differences[name] = _difference(
            _weighted_mean(champion.metrics[name], champion_weights),
            _weighted_mean(challenger.metrics[name], challenger_weights),
            confidence,
        )
    return differences


def _bootstrap_weights(
    groups: np.ndarray | None, resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """How often each row is drawn, `[1 + resamples, n]`; row 0 is the sample itself."""
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    count = index.max() + 1
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
    return np.concatenate([np.ones((1, len(index))), drawn[:, index]])


def _weighted_mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ values / weights.sum(axis=1)


def _negative_kid(
    results: PictureResults, weights: np.ndarray, reference_weights: np.ndarray
) -> np.ndarray:
    outputs, references = (
        np.asarray(x, np.float64) for x in (results.features, results.references)
    )
    return -squared_mmd(
        outputs, references, results.groups, results.reference_groups, weights, reference_weights
    )


def _difference(champion: np.ndarray, challenger: np.ndarray, confidence: float) -> Difference:
    """The difference of `[1 + resamples]` values each."""
    tail = 50 * (1 - confidence)
    low, high = np.percentile(challenger[1:] - champion[1:], [tail, 100 - tail])
    return Difference(float(champion[0]), float(challenger[0]), float(low), float(high))
