"""TODO docstring."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import keras
from keras import ops

from stylefuse.models.layers.convolution import EqualDense
from stylefuse.models.layers.resampling import spread

_recorded: ContextVar[list | None] = ContextVar("recorded", default=None)


_given: ContextVar[Iterator | None] = ContextVar("given", default=None)


def moments(x):
    """Mean and standard deviation over a map's positions, each `[batch, 1, 1, channels]`.

    Always in float32: sums over thousands of positions are beyond shorter floats.
    """
    given, recorded = _given.get(), _recorded.get()
    if given is not None:
        return next(given)
    x = ops.cast(x, "float32")
    mean = ops.mean(x, axis=(1, 2), keepdims=True)
    variance = ops.mean(ops.square(x - mean), axis=(1, 2), keepdims=True)
    found = mean, ops.sqrt(variance + 1e-3)
    if recorded is not None:
        recorded.append(found)
    return found


@contextmanager
def record_moments():
    """Collect, in order, every pair that `moments` returns inside."""
    found: list = []
    token = _recorded.set(found)
    try:
        yield found
    finally:
        _recorded.reset(token)


@contextmanager
def give_moments(found):
    """Let `moments` return what was recorded: a tile is then painted as a part of the whole."""
    token = _given.set(iter(found))
    try:
        yield
    finally:
        _given.reset(token)


def instance_norm(x):
    """Remove a map's own mean and contrast (Ulyanov et al. 2016, eq. 4)."""
    mean, deviation = (ops.cast(m, x.dtype) for m in moments(x))
    return (x - mean) / deviation


@keras.saving.register_keras_serializable("stylefuse")
class AdaptiveInstanceNorm(keras.layers.Layer):
    """Give a map the mean and contrast that a style code asks for (Huang & Belongie 2017, eq. 8).

    Call: map `[batch, height, width, channels]`, code `[batch, code]` → the map's shape. With
    `regions`, shares `[batch, height, width, styles]` that sum to 1 everywhere, codes are
    `[batch, styles, code]`, and each position follows its own mix of them.
    """

    def build(self, x_shape, code_shape):
        self.affine = EqualDense(2 * x_shape[-1], name="affine")
        self.affine.build(code_shape)

    def call(self, x, code, regions=None):
        scale, shift = ops.split(spread(self.affine(code), regions), 2, axis=-1)
        return instance_norm(x) * (1 + scale) + shift

    def compute_output_shape(self, x_shape, code_shape):
        return x_shape
