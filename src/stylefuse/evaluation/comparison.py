"""What a judge finds picture by picture, so that two models can be compared beyond chance."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

KID = "kid"


@dataclass(frozen=True)
class PictureResults:
    """One model's outputs, judged.

    Two models' scores can be compared where they come from the same held-out pictures.

    Attributes:
        aim: what a better model is better in: "kid", or one of `figures`.
        figures: name → a value for each output, `[n]`; more is better.
        groups: `[n]`, outputs with the same number share an input and rise and fall together.
        features: of the outputs, `[n, d]`; KID needs them and the next two.
        references: features of the held-out pictures that outputs should resemble, `[m, d]`.
        reference_groups: `[m]`, references with the same number are parts of one picture.
        paired: whether output i of every model is painted from the same input.
    """

    aim: str
    figures: Mapping[str, np.ndarray]
    groups: np.ndarray
    features: np.ndarray | None = None
    references: np.ndarray | None = None
    reference_groups: np.ndarray | None = None
    paired: bool = True


@dataclass(frozen=True)
class Difference:
    """Challenger minus champion in one figure, turned so that more is better."""

    champion: float
    challenger: float
    low: float  # ends of the bootstrap interval of the gain
    high: float

    @property
    def gain(self) -> float:
        """How much better the challenger is."""
        return self.challenger - self.champion


def compare(
    champion: PictureResults,
    challenger: PictureResults,
    confidence: float,
    resamples: int,
    seed: int,
) -> dict[str, Difference]:
    """Every figure of two models, with a bootstrap interval of what the challenger gains.

    Inputs are drawn again with replacement, whole groups at a time (the cluster bootstrap, Davison
    & Hinkley 1997, 3.8), and so are the references; percentiles of the gains are the interval.
    Where outputs are paired, both models get the same draw.

    Args:
        champion: judged on the same pictures as the challenger.
        challenger: see above.
        confidence: of the interval, 0 to 1.
        resamples: how many draws.
        seed: of the draws.

    Returns:
        The aim first, then the other figures. KID is given as −KID, so that more is better.
    """
    rng = np.random.default_rng(seed)
    ours = _draws(challenger.groups, resamples, rng)
    theirs = ours if champion.paired else _draws(champion.groups, resamples, rng)
    names = [name for name in champion.figures if name != champion.aim]
    if champion.aim in champion.figures:
        names.insert(0, champion.aim)
    found = {}
    if champion.aim == KID:
        of_references = _draws(champion.reference_groups, resamples, rng)
        before, after = (
            _nearness(champion, theirs, of_references),
            _nearness(challenger, ours, of_references),
        )
        found[KID] = _difference(before, after, confidence)
    for name in names:
        before, after = (
            _means(champion.figures[name], theirs),
            _means(challenger.figures[name], ours),
        )
        found[name] = _difference(before, after, confidence)
    return found


def _draws(groups: np.ndarray | None, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """How often each row is drawn, `[1 + resamples, n]`; the first draw is every row once."""
    _, index = np.unique(np.asarray(groups), return_inverse=True)
    count = index.max() + 1
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=resamples)
    return np.concatenate([np.ones((1, len(index))), drawn[:, index]])


def _means(values: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return draws @ values / draws.sum(axis=1)


def _nearness(results: PictureResults, draws: np.ndarray, of_references: np.ndarray) -> np.ndarray:
    """−KID for every draw: the unbiased squared MMD (Gretton et al. 2012, eq. 3), of all pairs."""
    outputs, references = results.features, results.references
    across = draws @ _kernel(outputs, references)
    across = (across * of_references).sum(axis=1) / draws.sum(axis=1) / of_references.sum(axis=1)
    alike = _within(outputs, results.groups, draws)
    return 2 * across - alike - _within(references, results.reference_groups, of_references)


def _within(
    features: np.ndarray | None, groups: np.ndarray | None, draws: np.ndarray
) -> np.ndarray:
    """The mean kernel of two rows of different groups, for every draw: a group that is drawn twice
    would count its likeness to itself four times."""
    ids = np.asarray(groups)
    same = np.equal.outer(ids, ids)
    kernel = np.where(same, 0.0, _kernel(features, features))
    pairs = np.square(draws.sum(axis=1)) - ((draws @ same) * draws).sum(axis=1)
    return ((draws @ kernel) * draws).sum(axis=1) / pairs


def _kernel(a: np.ndarray | None, b: np.ndarray | None) -> np.ndarray:
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    return (x @ y.T / x.shape[1] + 1) ** 3


def _difference(before: np.ndarray, after: np.ndarray, confidence: float) -> Difference:
    tail = 50 * (1 - confidence)
    low, high = np.percentile(after[1:] - before[1:], [tail, 100 - tail])
    return Difference(float(before[0]), float(after[0]), float(low), float(high))
