"""The first convolutional networks that painted faces (Radford et al. 2016), at 64×64 pixels."""

import keras
from keras import ops

from stylefuse.models.layers.convolution import activate

SIDES = 4, 8, 16, 32, 64


@keras.saving.register_keras_serializable("stylefuse")
class BatchNorm(keras.layers.Layer):
    """Batch normalisation (Ioffe & Szegedy 2015, algorithm 1) with settled statistics.

    Training normalises a batch by its own mean and variance. Elsewhere a picture must not depend
    on its neighbours in the batch, so that both are fixed numbers: those of one large batch, which
    `DcganGenerator.settle` takes when the weights are final (precise statistics, Wu & Johnson
    2021, section 3). A running average would belong to no weights that are kept, since those are
    averages themselves.

    Call: `[..., channels]` → the same shape.
    """

    def build(self, x_shape):
        channels = x_shape[-1:]
        self.scale = self.add_weight(channels, "ones", name="scale")
        self.shift = self.add_weight(channels, "zeros", name="shift")
        self.mean = self.add_weight(channels, "zeros", trainable=False, name="mean")
        self.variance = self.add_weight(channels, "ones", trainable=False, name="variance")

    def calibrate(self, x):
        """Keep the statistics of a batch."""
        for kept, value in zip((self.mean, self.variance), _batch_moments(x), strict=True):
            kept.assign(value)

    def call(self, x, training=False):
        mean, variance = _batch_moments(x) if training else (self.mean, self.variance)
        return (x - mean) * ops.rsqrt(variance + 1e-5) * self.scale + self.shift

    def compute_output_shape(self, x_shape):
        return x_shape


@keras.saving.register_keras_serializable("stylefuse")
class DcganGenerator(keras.Model):
    """The generator of Radford et al. 2016 (figure 1), with kernels that the stride divides.

    Call: latents `[batch, latent]` → pictures `[batch, 64, 64, 3]` in −1…1.

    Args:
        latent: numbers in a latent vector.
        width: channels at 32×32.
    """

    def __init__(self, latent=100, width=64, **kwargs):
        super().__init__(**kwargs)
        self.latent, self.width = latent, width
        self.start = keras.layers.Dense(
            16 * 8 * width, use_bias=False, kernel_initializer=small_weights(), name="start"
        )
        self.norms = [BatchNorm(name=f"norm_{side}") for side in SIDES[:-1]]
        self.convs = [
            keras.layers.Conv2DTranspose(
                filters, 4, 2, padding="same", use_bias=False, kernel_initializer=small_weights(),
                name=f"up_{side}",
            )
            for side, filters in zip(SIDES[1:], (4 * width, 2 * width, width, 3), strict=True)
        ]  # fmt: skip

    def calibrate_batch_norm(self, latents):
        """Fix the statistics of all batch norms to those of these latents, `[many, latent]`."""
        h = self._first_map(latents)
        for norm, conv in zip(self.norms, self.convs, strict=True):
            norm.calibrate(h)
            h = conv(ops.relu(norm(h)))

    def call(self, latents, training=False):
        h = self._first_map(latents)
        for norm, conv in zip(self.norms, self.convs, strict=True):
            h = conv(ops.relu(norm(h, training=training)))
        return ops.tanh(ops.cast(h, "float32"))

    def _first_map(self, latents):
        return ops.reshape(self.start(latents), (-1, 4, 4, 8 * self.width))

    def get_config(self):
        return {**super().get_config(), "latent": self.latent, "width": self.width}


@keras.saving.register_keras_serializable("stylefuse")
class DcganDiscriminator(keras.Model):
    """The discriminator of Radford et al. 2016; it always judges a batch by its own statistics.

    Call: pictures `[batch, 64, 64, 3]` → logits `[batch]`.

    Args:
        width: channels at 32×32.
    """

    def __init__(self, width=64, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.convs = [
            keras.layers.Conv2D(
                times * width, 4, 2, padding="same", use_bias=False,
                kernel_initializer=small_weights(), name=f"down_{32 // times}",
            )
            for times in (1, 2, 4, 8)
        ]  # fmt: skip
        self.norms = [BatchNorm(name=f"norm_{side}") for side in (16, 8, 4)]
        self.real = keras.layers.Dense(1, kernel_initializer=small_weights(), name="real")

    def call(self, pictures):
        h = activate(self.convs[0](pictures))
        for conv, norm in zip(self.convs[1:], self.norms, strict=True):
            h = activate(norm(conv(h), training=True))
        return self.real(ops.reshape(h, (-1, 16 * 8 * self.width)))[:, 0]

    def get_config(self):
        return {**super().get_config(), "width": self.width}


def small_weights():
    return keras.initializers.RandomNormal(stddev=0.02)


def _batch_moments(x):
    return ops.moments(x, axes=tuple(range(len(x.shape) - 1)))
