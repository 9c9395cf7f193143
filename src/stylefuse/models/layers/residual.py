"""TODO docstring."""

import keras

from stylefuse.models.layers.convolution import EqualConv2D, activate
from stylefuse.models.layers.normalization import AdaptiveInstanceNorm


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
