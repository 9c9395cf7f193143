"""Cases beyond single kinds of degradation: mixtures, fixed strengths, and pictures without damage.

PSNR of each case is given beside that of the degraded pictures, with an interval of the mean gain
over photographs.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from rich.progress import track

from stylefuse.evaluation.baselines.classical import CLASSICAL
from stylefuse.evaluation.metrics.psnr import psnr
from stylefuse.images.colour import LUMA
from stylefuse.inference.degradation_kinds import RARE
from stylefuse.models.restore.capture_damage import blur_with, jpeg_with, noise_with
from stylefuse.models.restore.degradation import degrade, degrade_with, random_kinds

CLEAN, GREY = "undamaged", "undamaged, grey"
UNCHANGED_PSNR = 45.0  # dB; from here on nobody sees a difference
BLOCK = 8  # pixels, of JPEG
SEED = 1000  # of the first case; kinds of the single degradations have lower numbers
RESAMPLES = 2000  # of the bootstrap
CONFIDENCE = 0.95

Degrade = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def _mixture(picture: np.ndarray, rng: np.random.Generator, count: int) -> np.ndarray:
    return degrade_with(picture, random_kinds(count, rng), rng).picture


CASES: dict[str, Degrade] = {
    **{f"{count} kinds": partial(_mixture, count=count) for count in (2, 3, 4)},
    **{kind: partial(lambda picture, rng, kind: degrade(picture, kind, rng), kind=kind)
       for kind in RARE},
    "JPEG quality 10": lambda picture, rng: jpeg_with(picture, 10),
    "noise σ 25": lambda picture, rng: noise_with(picture, 25, rng),
    "blur σ 2": lambda picture, rng: blur_with(picture, 2),
    CLEAN: lambda picture, rng: picture,
    GREY: lambda picture, rng: picture,
}  # fmt: skip
REFERENCES = {  # case → name and method of the best classical one for its kind
    "JPEG quality 10": ("total variation", CLASSICAL["jpeg"]["total variation"]),
    "noise σ 25": ("wavelet shrinkage", CLASSICAL["noise"]["wavelet shrinkage"]),
    "blur σ 2": ("Wiener filter", CLASSICAL["blur"]["Wiener filter"]),
}


def evaluate_cases(
    clean: np.ndarray, restore: Callable[[np.ndarray], np.ndarray], seed: int
) -> dict[str, dict[str, Any]]:
    """Degrade and restore photographs in every case.

    Args:
        clean: uint8 `[n, height, width, 3]`.
        restore: of one picture.
        seed: of the degradations.

    Returns:
        Case → "degraded", "classical" (dB of the best classical method, where there is one),
        "psnr", "gain" with "gain_low" and "gain_high"; and in some "unchanged" (share of
        photographs that come back with `UNCHANGED_PSNR` or more), "chroma" (levels) and "blocks".
    """
    results: dict[str, dict[str, Any]] = {}
    for number, (name, damage) in enumerate(track(CASES.items(), "mixtures and other cases")):
        truths = clean if name != GREY else np.stack(list(map(_grey, clean)))
        degraded = [
            damage(picture, np.random.default_rng([seed, SEED + number, i]))
            for i, picture in enumerate(truths)
        ]
        restored = list(map(restore, degraded))
        before, after = (np.array(list(map(psnr, truths, x))) for x in (degraded, restored))
        low, high = mean_interval(after - before, seed)
        row = {"degraded": before.mean(), "psnr": after.mean(), "gain": (after - before).mean()}
        row |= {"gain_low": low, "gain_high": high}
        if name in REFERENCES:
            answers = map(REFERENCES[name][1], degraded)
            row["classical"] = np.mean(list(map(psnr, truths, answers)))
        if name in (CLEAN, GREY):
            row["unchanged"] = (after >= UNCHANGED_PSNR).mean()
        if name == GREY:
            row["chroma"] = np.mean([np.ptp(picture, axis=2).mean() for picture in restored])
        if name == "JPEG quality 10":
            row["blocks"] = _mean_blocking(restored)
            row["blocks_degraded"] = _mean_blocking(degraded)
            row["blocks_original"] = _mean_blocking(truths)
        results[name] = {key: float(value) for key, value in row.items()}
    return results


def mean_interval(values: np.ndarray, seed: int) -> tuple[float, float]:
    """A bootstrap interval of the mean, with `CONFIDENCE`.

    Args:
        values: one for each photograph, `[n]`.
        seed: of the resampling.
    """
    rng, n = np.random.default_rng(seed), len(values)
    means = rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) @ values / n
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(means, [tail, 100 - tail])
    return float(low), float(high)


def _grey(picture: np.ndarray) -> np.ndarray:
    return np.repeat(np.rint(picture @ LUMA).astype(np.uint8)[..., None], 3, axis=2)


def _mean_blocking(pictures: Iterable[np.ndarray]) -> float:
    """Mean step across the borders of JPEG's blocks over the mean step within them; 1 is none."""
    return float(np.mean([_blocking(picture @ LUMA) for picture in pictures]))


def _blocking(luminance: np.ndarray) -> float:
    ratios = []
    for lines in (luminance, luminance.T):
        steps = np.abs(np.diff(lines, axis=0)).mean(axis=1)
        at_border = np.arange(1, len(lines)) % BLOCK == 0
        ratios.append(steps[at_border].mean() / max(steps[~at_border].mean(), 0.1))
    return float(np.mean(ratios))
