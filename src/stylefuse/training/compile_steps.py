"""Choose how the running backend makes training steps."""

from typing import Protocol

import keras
import numpy as np

from stylefuse.errors import UserError
from stylefuse.training.state import TrainingState
from stylefuse.training.step import InPlaceSteps, PureSteps


class Advance(Protocol):
    """Trains steps `first` to `first + count`; returns their metrics, `[count, names]`."""

    def __call__(self, first: int, count: int) -> np.ndarray: ...


def compile_steps(state: TrainingState) -> Advance:
    """Choose how the running backend makes steps.

    Raises:
        UserError: the running backend is neither TensorFlow nor JAX.
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return InPlaceSteps(state)
    if backend == "jax" and state.settings.steps_per_call > 1:
        from stylefuse.training.multi_step import MultiStep

        return MultiStep(state)
    if backend == "jax":
        return PureSteps(state)
    raise UserError(
        f"Keras backend {backend!r} cannot train here; set KERAS_BACKEND to tensorflow or jax",
        code="backend-cannot-train",
    )
