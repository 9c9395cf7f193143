"""The blocks that every network here is made of, in backend-neutral Keras.

Pictures and feature maps are `[batch, height, width, channels]`; pictures run from −1 to 1.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import keras
import numpy as np
from keras import ops

SLOPE = 0.2  # of the leaky rectifier
OPPONENT = np.array([[1, 1, 1], [1, 0, -2], [1, -1, 1]]) / np.sqrt([3, 2, 6])


def activate(x):
    """Leaky rectifier of any tensor."""
    return ops.leaky_relu(x, SLOPE)


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


def to_opponent(x):
    """RGB → light, blue against yellow, and green against magenta, an orthonormal basis.

    The colours of pictures vary almost independently along these axes, so that a palette can be
    given one axis at a time (after Reinhard et al. 2001, who use lαβ for the same reason).
    """
    return ops.matmul(x, ops.cast(OPPONENT, x.dtype))


def from_opponent(x):
    """The way back from `to_opponent`."""
    return ops.matmul(x, ops.cast(OPPONENT.T, x.dtype))


def soften(x):
    """Two box blurs of 5 pixels: keeps the light and shade of a scene, loses its detail."""
    edge = [[0, 0], [4, 4], [4, 4], [0, 0]]
    x = ops.pad(x, edge, mode="reflect")
    for _ in range(2):
        x = ops.average_pool(x, 5, 1, padding="valid")
    return x


def shrink(x, k):
    """Average over blocks of k×k positions."""
    return ops.average_pool(x, k, k) if k > 1 else x


def spread(values, regions):
    """Lay one vector per style over a map's positions.

    Args:
        values: `[batch, n]`, or `[batch, styles, n]` with `regions`.
        regions: None, or shares `[batch, height, width, styles]`.

    Returns:
        `[batch, 1, 1, n]`, or `[batch, height, width, n]` with `regions`.
    """
    if regions is None:
        return values[:, None, None, :]
    return ops.einsum("bhws,bsn->bhwn", regions, values)


def upsample(x):
    """Double height and width by repetition; a convolution follows, so no checkerboard forms."""
    return ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)


@keras.saving.register_keras_serializable("stylefuse")
class EqualConv2D(keras.layers.Layer):
    """Convolution with an equalised learning rate (Karras et al. 2018, section 4.1).

    Weights are drawn from N(0, 1) and scaled by gain/√fan-in at run time, so that every layer
    learns at the same speed.

    Args:
        filters: output channels.
        kernel: side of the kernel.
        stride: 1 keeps the size, 2 halves it.
        padding: "reflect" prints no frame on pictures, "same" pads with zeros and is faster.
        gain: √2 before a rectifier, 1 elsewhere.

    Call: `[batch, height, width, channels]` → `[batch, height/stride, width/stride, filters]`.
    """

    def __init__(self, filters, kernel=3, stride=1, padding="reflect", gain=2**0.5, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.stride = filters, kernel, stride
        self.padding, self.gain = padding, gain

    def build(self, x_shape):
        k, channels = self.kernel_size, x_shape[-1]
        self.kernel = self.add_weight((k, k, channels, self.filters), _normal(), name="kernel")
        self.bias = self.add_weight((self.filters,), "zeros", name="bias")
        self.scale = self.gain / (k * k * channels) ** 0.5

    def call(self, x):
        padding = "same"
        edge = (self.kernel_size - 1) // 2
        if self.padding == "reflect":
            padding = "valid"
            if edge:
                x = ops.pad(x, [[0, 0], [edge, edge], [edge, edge], [0, 0]], mode="reflect")
        kernel = ops.cast(self.kernel * self.scale, x.dtype)
        return ops.conv(x, kernel, strides=self.stride, padding=padding) + self.bias

    def compute_output_shape(self, x_shape):
        size = [None if n is None else -(-n // self.stride) for n in x_shape[1:3]]
        return (x_shape[0], *size, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel": self.kernel_size,
            "stride": self.stride,
            "padding": self.padding,
            "gain": self.gain,
        }


@keras.saving.register_keras_serializable("stylefuse")
class EqualDense(keras.layers.Layer):
    """Linear layer with an equalised learning rate (Karras et al. 2018, section 4.1).

    Call: `[..., inputs]` → `[..., units]`.
    """

    def __init__(self, units, gain=1.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.gain = units, gain

    def build(self, x_shape):
        self.kernel = self.add_weight((x_shape[-1], self.units), _normal(), name="kernel")
        self.bias = self.add_weight((self.units,), "zeros", name="bias")
        self.scale = self.gain / x_shape[-1] ** 0.5

    def call(self, x):
        return ops.matmul(x, self.kernel * self.scale) + self.bias

    def compute_output_shape(self, x_shape):
        return (*x_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "gain": self.gain}


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


@keras.saving.register_keras_serializable("stylefuse")
class StyledResidual(keras.layers.Layer):
    """Two styled convolutions beside a straight path.

    Call: map `[batch, height, width, filters]`, code and regions as in `AdaptiveInstanceNorm`
    → the map's shape.
    """

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        # named, since a file of weights notes names, and counted ones change from build to build
        self.first = EqualConv2D(filters, name="first")
        self.second = EqualConv2D(filters, name="second")
        self.first_norm = AdaptiveInstanceNorm(name="first_norm")
        self.second_norm = AdaptiveInstanceNorm(name="second_norm")

    def build(self, x_shape, code_shape):
        for conv, norm in ((self.first, self.first_norm), (self.second, self.second_norm)):
            conv.build(x_shape)
            norm.build(x_shape, code_shape)

    def call(self, x, code, regions=None):
        h = activate(self.first_norm(self.first(x), code, regions))
        return x + self.second_norm(self.second(h), code, regions)

    def compute_output_shape(self, x_shape, code_shape):
        return x_shape

    def get_config(self):
        return {**super().get_config(), "filters": self.filters}


def _normal():
    return keras.initializers.RandomNormal(stddev=1.0)
