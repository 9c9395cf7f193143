"""An exponential moving average of the generator's weights: what is judged, saved and served."""

import numpy as np


class WeightAverage:
    """Averages with a half-life in thousands of pictures (Karras et al. 2018, section A.2).

    The half-life grows with the run, to a twentieth of what was seen at the most, so that the
    random beginning is soon forgotten.

    Args:
        model: whose trainable weights are averaged.
        average: a model of the same shape that holds the result.
        half_life: in thousands of pictures.
    """

    def __init__(self, model, average, half_life: float):
        self.pairs = list(zip(model.weights, average.weights, strict=True))
        self.half_life = half_life
        for weight, mean in self.pairs:
            mean.assign(np.array(weight.value))  # a copy: a step may reuse the weight's memory

    def update(self, batch_kimg: float, seen_kimg: float) -> None:
        """Take one step's weights in.

        Args:
            batch_kimg: thousands of pictures in the step.
            seen_kimg: thousands of pictures so far, this step included.
        """
        half_life = min(self.half_life, max(seen_kimg / 20, 1e-6))
        keep = 0.5 ** (batch_kimg / half_life)
        for weight, mean in self.pairs:
            mean.assign(mean.value * keep + weight.value * (1 - keep))
