"""Exponential moving average of the generator's weights: what is evaluated, saved and served."""

from typing import Any

import numpy as np

from stylefuse.config import Train


class WeightAverage:
    """Averages the weights of all steps, the last ones most (Karras et al. 2018, section A.2).

    Args:
        model: whose weights are averaged.
        average: a model of the same architecture that holds the result.

    Attributes:
        pairs: each weight with the variable that holds its average.
    """

    def __init__(self, model: Any, average: Any):
        self.pairs = list(zip(model.weights, average.weights, strict=True))
        for weight, mean in self.pairs:
            mean.assign(np.array(weight.value))  # a copy: a step may reuse the weight's memory

    def update(self, decay: Any) -> None:
        """Take the weights of one step into the average."""
        for weight, mean in self.pairs:
            mean.assign(interpolate(mean.value, weight.value, decay))


def interpolate(mean: Any, weight: Any, decay: Any) -> Any:
    """The next average."""
    return mean * decay + weight * (1 - decay)


def ema_decay(settings: Train, step: int) -> float:
    """The share of an average that a step keeps: half of it is left after `ema_kimg`.

    The half-life grows with the run, up to a twentieth of the pictures shown so far, so that the
    random initial weights are soon forgotten.
    """
    batch_kimg = settings.batch / 1000
    half_life = min(settings.ema_kimg, (step + 1) * batch_kimg / 20)
    return 0.5 ** (batch_kimg / half_life)
