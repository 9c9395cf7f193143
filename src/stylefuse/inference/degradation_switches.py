"""Bounds of the kinds' probabilities, with which the restoration graph mends some kinds of
degradation for certain and leaves others as they are."""

from collections.abc import Collection

import numpy as np

from stylefuse.inference.degradation_kinds import COLOURS, FREQUENT, KINDS, MENDED_AS


def probability_bounds(only: Collection[str], keep: Collection[str]) -> np.ndarray:
    """The lowest and the highest probabilities: of `FREQUENT` for the recogniser, of `KINDS` and of
    any degraded detail for the detector.

    Args:
        only: kinds that are certain, while all others are excluded; if empty, all may be found.
        keep: kinds that are excluded.

    Returns:
        float32 `[2, len(FREQUENT) + len(KINDS) + 1]`.
    """
    excluded = {kind for kind in KINDS if kind in keep or (only and kind not in only)}
    detail = any(kind not in COLOURS for kind in only)
    mended_by = {
        kind: {kind, *(rare for rare, frequent in MENDED_AS.items() if frequent == kind)}
        for kind in FREQUENT
    }
    low = [not mended_by[kind].isdisjoint(only) for kind in FREQUENT]
    low += [*(kind in only for kind in KINDS), detail]
    high = [not mended_by[kind] <= excluded for kind in FREQUENT]
    high += [*(kind not in excluded for kind in KINDS), True]
    return np.array([low, high], np.float32)
