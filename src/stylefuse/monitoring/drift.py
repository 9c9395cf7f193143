"""Drift detection: do request pictures have the same distribution as the training pictures?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import ks_2samp

from stylefuse.config import Monitor

Statistics = Mapping[str, Sequence[float]]  # name of a statistic → a value per picture


@dataclass(frozen=True)
class Shift:
    """The difference of one statistic between training and request pictures.

    Attributes:
        training_median: of the training pictures.
        request_median: of the request pictures.
        distance: of both distributions, 0 to 1 (Kolmogorov-Smirnov).
        p_value: probability of a distance at least as large if the distributions are equal.
        drifted: whether the distance is statistically significant and large enough to matter.
    """

    training_median: float
    request_median: float
    distance: float
    p_value: float
    drifted: bool


def detect_shifts(
    training: Statistics, requests: Statistics, settings: Monitor
) -> dict[str, Shift]:
    """Compare every statistic of two sets of pictures.

    Each statistic gets a two-sample Kolmogorov-Smirnov test (Hodges 1958) at alpha divided by
    their number (Bonferroni correction), so that alpha bounds the rate of false alarms of all tests
    together. With many pictures even the smallest change is significant; therefore the distance
    must also be at least `settings.distance`.

    Args:
        training: statistics of the training pictures.
        requests: statistics of the request pictures.
        settings: alpha, the minimum distance and the minimum number of pictures.

    Returns:
        Statistic → shift; empty if there are too few request pictures.
    """
    shifts = {}
    for name, training_values in training.items():
        request_values = requests.get(name, [])
        if len(request_values) < settings.min_pictures:
            return {}
        test = ks_2samp(training_values, request_values)
        significant = test.pvalue <= settings.alpha / len(training)
        shifts[name] = Shift(
            training_median=float(np.median(training_values)),
            request_median=float(np.median(request_values)),
            distance=float(test.statistic),
            p_value=float(test.pvalue),
            drifted=bool(significant and test.statistic >= settings.distance),
        )
    return shifts
