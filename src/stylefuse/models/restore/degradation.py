"""Synthetic degradations of photographs, as pure functions of a picture and a random generator.

Pictures are uint8 `[height, width, 3]`, each side at least 32 pixels. `KINDS` is the table of the
kinds; `degrade_randomly` combines them as training does.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from stylefuse.inference.degradation_kinds import FREQUENT, KINDS, RARE
from stylefuse.models.restore.capture_damage import blur, downscale, grain, halftone, jpeg, noise
from stylefuse.models.restore.colour_damage import cast, fade, sepia
from stylefuse.models.restore.paper_damage import fold, scratch, stain

COUNT_PROBABILITIES = [0.25, 0.4, 0.12, 0.08, 0.05]  # of none to four kinds at once, in any order
CHAIN_PROBABILITY = 1 - sum(COUNT_PROBABILITIES)  # of `CHAIN`
CHAIN = "blur", "small", "noise", "jpeg"  # each with probability ½, then all once more
WIDE_PROBABILITY = 0.4  # of a strength from the wider range

Function = Callable[[np.ndarray, np.random.Generator, bool], np.ndarray]

DETAIL: dict[str, Function] = {
    "blur": blur,
    "small": downscale,
    "noise": noise,
    "scratches": scratch,
    "jpeg": jpeg,
    "grain": grain,
    "halftone": halftone,
    "folds": fold,
    "stains": stain,
}
COLOURS: dict[str, Function] = {
    "fading": fade,
    "sepia": sepia,
    "cast": cast,
}
_WEIGHTS = np.array([1.0] * len(FREQUENT) + [0.5] * len(RARE))


class Degraded(NamedTuple):
    """A degraded picture.

    Attributes:
        picture: uint8 of the original's shape; it may be the original and must not be changed.
        toned: the original with the degradations of its colours alone, uint8. What restores detail
            has this as its target.
        labels: float32 `[kinds]`, 1 for each of `KINDS` that was applied.
    """

    picture: np.ndarray
    toned: np.ndarray
    labels: np.ndarray


def degrade(
    picture: np.ndarray, kind: str, rng: np.random.Generator, wide: bool = False
) -> np.ndarray:
    """Degrade a picture in one way, with a random strength.

    Args:
        picture: uint8 `[height, width, 3]`.
        kind: one of `KINDS`.
        rng: source of strength and pattern.
        wide: whether the strength comes from the wider range of training.

    Returns:
        uint8 of the same shape.

    Raises:
        KeyError: there is no such kind.
    """
    return (DETAIL | COLOURS)[kind](picture, rng, wide)


def degrade_randomly(picture: np.ndarray, rng: np.random.Generator) -> Degraded:
    """Degrade a picture as training does: not at all, in one way, in up to four ways in any order,
    or by `CHAIN` (the second-order model of Real-ESRGAN, Wang et al. 2021) and perhaps a colour.

    A quarter of the pictures is not degraded, which teaches a network to leave good pictures
    unchanged.
    """
    probabilities = [*COUNT_PROBABILITIES, CHAIN_PROBABILITY]
    count = int(rng.choice(len(probabilities), p=probabilities))
    if count < len(COUNT_PROBABILITIES):
        return degrade_with(picture, random_kinds(count, rng), rng, WIDE_PROBABILITY)
    rounds = [kind for kind in 2 * CHAIN if rng.random() < 0.5]
    colour = [list(COLOURS)[rng.integers(len(COLOURS))]] if rng.random() < 0.4 else []
    return degrade_with(picture, [*colour, *(rounds or CHAIN)], rng, WIDE_PROBABILITY)


def random_kinds(count: int, rng: np.random.Generator) -> list[str]:
    """Different kinds in a random order; those that are not frequent are half as likely."""
    chosen = rng.choice(len(KINDS), count, replace=False, p=_WEIGHTS / _WEIGHTS.sum())
    return [KINDS[index] for index in chosen]


def degrade_colours(picture: np.ndarray, rng: np.random.Generator) -> Degraded:
    """Degrade the colours of a picture, half of the time beside one or two other kinds."""
    colours = list(COLOURS)
    kinds = [colours[i] for i in rng.permutation(len(colours))[: 1 + (rng.random() < 0.3)]]
    if rng.random() < 0.5:
        detail = list(DETAIL)
        kinds += [detail[i] for i in rng.permutation(len(detail))[: rng.integers(1, 3)]]
        kinds = [kinds[i] for i in rng.permutation(len(kinds))]
    return degrade_with(picture, kinds, rng, WIDE_PROBABILITY)


def degrade_with(
    picture: np.ndarray,
    kinds: Sequence[str],
    rng: np.random.Generator,
    wide_probability: float = 0.0,
) -> Degraded:
    """Degrade a picture in several ways, one after the other.

    Args:
        picture: uint8 `[height, width, 3]`.
        kinds: of `KINDS`, in the order in which they happen.
        rng: source of strengths and patterns.
        wide_probability: of each strength to come from the wider range.
    """
    toned, labels = picture, np.zeros(len(KINDS), np.float32)
    for kind in kinds:
        wide, seed = bool(rng.random() < wide_probability), int(rng.integers(2**62))
        picture = degrade(picture, kind, np.random.default_rng(seed), wide)
        if kind in COLOURS:
            toned = degrade(toned, kind, np.random.default_rng(seed), wide)
        labels[KINDS.index(kind)] = 1
    return Degraded(picture, toned, labels)
