"""TODO docstring."""

import numpy as np


def compiled(function):
    """A function of (lists of) float32 arrays, compiled for the running backend, that returns
    an array or a list of arrays."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        function = tf.function(function, reduce_retracing=True)
    elif keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)
    from keras import tree

    return lambda *inputs: tree.map_structure(np.asarray, function(*inputs))
