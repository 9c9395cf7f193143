"""Residual blocks, with and without a style.

The class and attribute names of layers are part of saved weights: Keras stores each weight under
the path of attributes that leads to it, and a list's layers under the names of their classes.
"""

import keras
from keras import ops

from stylefuse.models.layers.convolution import EqualConv2D, activate
from stylefuse.models.layers.normalization import AdaptiveInstanceNorm


@keras.saving.register_keras_serializable("stylefuse")
class Residual(keras.layers.Layer):
    """Two convolutions with a skip connection, without normalisation.

    The second convolution starts at zero, so that a network of any depth starts as its skip
    connections (Zhang et al. 2019, section 3).

    Call: `[batch, height, width, filters]` → the same shape.

    Args:
        filters: channels of input and output.
        padding: see `EqualConv2D`.
    """

    def __init__(self, filters, padding="reflect", **kwargs):
        super().__init__(**kwargs)
        self.filters, self.padding = filters, padding
        self.first = EqualConv2D(filters, padding=padding, name="first")
        self.second = EqualConv2D(filters, padding=padding, name="second")

    def build(self, x_shape):
        self.first.build(x_shape)
        self.second.build(x_shape)
        self.second.kernel.assign(ops.zeros(self.second.kernel.shape))

    def call(self, x):
        return x + self.second(activate(self.first(x)))

    def compute_output_shape(self, x_shape):
        return x_shape

    def get_config(self):
        return {**super().get_config(), "filters": self.filters, "padding": self.padding}


@keras.saving.register_keras_serializable("stylefuse")
class StyledResidual(keras.layers.Layer):
    """Two convolutions with adaptive instance normalisation and a skip connection.

    Call: map `[batch, height, width, filters]`, code and regions as in `AdaptiveInstanceNorm`
    → the map's shape.

    Args:
        filters: channels of input and output.
    """

    def __init__(self, filters, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        # explicit names: automatic ones are counted, and differ from build to build
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
