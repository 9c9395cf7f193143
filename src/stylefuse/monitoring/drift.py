"""Are the pictures that a model is sent like those that it was trained on?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import ks_2samp

from stylefuse.config import Monitor


@dataclass(frozen=True)
class Shift:
    """One figure of pictures, trained on and sent.

    Attributes:
        trained, sent: medians.
        distance: between both distributions, 0 to 1 (Kolmogorov-Smirnov).
        p: how probable so large a distance is by chance, if there were no change.
        drifted: whether it is beyond chance, and large enough to matter.
    """

    trained: float
    sent: float
    distance: float
    p: float
    drifted: bool


def shifts(
    trained: Mapping[str, Sequence[float]], sent: Mapping[str, Sequence[float]], settings: Monitor
) -> dict[str, Shift]:
    """Compare each figure of two sets of pictures.

    The two-sample Kolmogorov-Smirnov test (Hodges 1958) of each figure at alpha divided by their
    number (Bonferroni), so that together they take no change for one in alpha of all cases at
    most. With many pictures the smallest change is beyond chance; it has to be a distance of
    `settings.distance` too.

    Args:
        trained, sent: figure → its value in each picture.
        settings: alpha, the distance, and how many pictures are too few to say anything.

    Returns:
        Nothing where too few pictures were sent.
    """
    found = {}
    for name, before in trained.items():
        after = sent.get(name, [])
        if len(after) < settings.min_pictures:
            return {}
        test = ks_2samp(before, after)
        drifted = test.pvalue <= settings.alpha / len(trained) and (
            test.statistic >= settings.distance
        )
        medians = float(np.median(before)), float(np.median(after))
        found[name] = Shift(*medians, float(test.statistic), float(test.pvalue), bool(drifted))
    return found
