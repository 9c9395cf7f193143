"""Compilation of functions for Keras' current backend."""

from collections.abc import Callable
from typing import Any

import numpy as np

from stylefuse.cancellation import check_cancelled


def compile_for_inference(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function of arrays and lists of arrays.

    Args:
        function: of float32 arrays; uses Keras operations.

    Returns:
        A function that takes and returns NumPy arrays, in the same nested lists. It raises
        `Cancelled` instead if the active request was cancelled, so that painting in tiles stops
        before the next one.
    """
    import keras
    from keras import tree

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        function = tf.function(function, reduce_retracing=True)
    elif keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)

    def call(*inputs: Any) -> Any:
        check_cancelled()
        return tree.map_structure(np.asarray, function(*inputs))

    return call
