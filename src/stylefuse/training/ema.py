"""An exponential moving average of the generator's weights: what is judged, saved and served."""

import numpy as np

from stylefuse.config import Train
from stylefuse.training.backend import compile_update


class WeightAverage:
    """Averages all steps, the last ones most (Karras et al. 2018, section A.2).

    Args:
        model: whose weights are averaged.
        average: a model of the same shape that holds the result.
    """

    def __init__(self, model, average):
        self.pairs = list(zip(model.weights, average.weights, strict=True))
        for weight, mean in self.pairs:
            mean.assign(np.array(weight.value))  # a copy: a step may reuse the weight's memory
        self._update = compile_update(
            [mean for _, mean in self.pairs], [weight for weight, _ in self.pairs], mixed
        )

    def update(self, keep: float) -> None:
        """Take one step's weights in; `keep` is what `ema_decay` says."""
        self._update(np.float32(keep))


def mixed(mean, weight, keep):
    """The next average."""
    return mean * keep + weight * (1 - keep)


def ema_decay(settings: Train, step: int) -> float:
    """The part of an average that a step keeps: half of it after `ema_kimg` thousand pictures.

    The half-life grows with the run, to a twentieth of what was seen at the most, so that the
    random beginning is soon forgotten.
    """
    batch_kimg = settings.batch / 1000
    half_life = min(settings.ema_kimg, (step + 1) * batch_kimg / 20)
    return 0.5 ** (batch_kimg / half_life)
