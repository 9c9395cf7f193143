"""Convolution and dense layers with an equalised learning rate, and their activation."""

import keras
from keras import ops

LEAKY_SLOPE = 0.2


def activate(x):
    """Leaky ReLU with the negative slope that all networks here use."""
    return ops.leaky_relu(x, LEAKY_SLOPE)


@keras.saving.register_keras_serializable("stylefuse")
class EqualConv2D(keras.layers.Layer):
    """Convolution with an equalised learning rate (Karras et al. 2018, section 4.1).

    Weights are drawn from N(0, 1) and scaled by gain/√fan-in at run time, so that all layers
    learn at the same speed.

    Args:
        filters: output channels.
        kernel: height and width of the kernel.
        stride: 1 keeps the size, 2 halves it.
        padding: "reflect" avoids frames around pictures, "same" pads with zeros and is faster.
        gain: √2 before a ReLU, 1 elsewhere.

    Call: `[batch, height, width, channels]` → `[batch, height/stride, width/stride, filters]`.
    """

    def __init__(self, filters, kernel=3, stride=1, padding="reflect", gain=2**0.5, **kwargs):
        super().__init__(**kwargs)
        self.filters, self.kernel_size, self.stride = filters, kernel, stride
        self.padding, self.gain = padding, gain

    def build(self, x_shape):
        k, channels = self.kernel_size, x_shape[-1]
        self.kernel = self.add_weight(
            (k, k, channels, self.filters), _standard_normal(), name="kernel"
        )
        self.bias = self.add_weight((self.filters,), "zeros", name="bias")
        self.scale = self.gain / (k * k * channels) ** 0.5

    def call(self, x):
        padding = "same"
        border = (self.kernel_size - 1) // 2
        if self.padding == "reflect":
            padding = "valid"
            if border:
                widths = [[0, 0], [border, border], [border, border], [0, 0]]
                x = ops.pad(x, widths, mode="reflect")
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
    """Dense layer with an equalised learning rate (Karras et al. 2018, section 4.1).

    Args:
        units: outputs.
        gain: √2 before a ReLU, 1 elsewhere.

    Call: `[..., inputs]` → `[..., units]`.
    """

    def __init__(self, units, gain=1.0, **kwargs):
        super().__init__(**kwargs)
        self.units, self.gain = units, gain

    def build(self, x_shape):
        self.kernel = self.add_weight((x_shape[-1], self.units), _standard_normal(), name="kernel")
        self.bias = self.add_weight((self.units,), "zeros", name="bias")
        self.scale = self.gain / x_shape[-1] ** 0.5

    def call(self, x):
        return ops.matmul(x, self.kernel * self.scale) + self.bias

    def compute_output_shape(self, x_shape):
        return (*x_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "gain": self.gain}


def _standard_normal():
    return keras.initializers.RandomNormal(stddev=1.0)
