"""A generator and a discriminator that learn from few pictures without a GPU.

Pictures are 64×64 pixels.
"""

import keras
from keras import ops

from stylefuse.models.layers.convolution import EqualConv2D, EqualDense
from stylefuse.models.layers.normalization import BatchNorm
from stylefuse.models.layers.resampling import downsample, upsample
from stylefuse.models.layers.residual import Residual
from stylefuse.models.portrait.dcgan import SIDES, dcgan_initializer
from stylefuse.models.portrait.progressive import channels


@keras.saving.register_keras_serializable("stylefuse")
class RegularGenerator(keras.Model):
    """A generator that learns from few pictures (after FastGAN, Liu et al. 2021, section 3.1).

    Each resolution has upsampling, convolution, batch normalisation and a gated linear unit.
    Without normalisation, as in R3GAN, it learned nothing in the hours that a CPU takes.

    Call: latents `[batch, latent]` → pictures `[batch, 64, 64, 3]` in −1…1.

    Args:
        latent: length of a latent vector.
        width: channels at 64×64.
    """

    def __init__(self, latent=64, width=16, **kwargs):
        super().__init__(**kwargs)
        self.latent, self.width = latent, width
        self.start = keras.layers.Dense(
            16 * 16 * width, use_bias=False, kernel_initializer=dcgan_initializer(), name="start"
        )
        self.norms = [BatchNorm(name=f"norm_{side}") for side in SIDES]
        self.convs = [
            keras.layers.Conv2D(
                2 * channels(side, width), 3, padding="same", use_bias=False,
                kernel_initializer=dcgan_initializer(), name=f"conv_{side}",
            )
            for side in SIDES[1:]
        ]  # fmt: skip
        self.to_rgb = keras.layers.Conv2D(
            3, 3, padding="same", kernel_initializer=dcgan_initializer(), name="to_rgb"
        )

    def calibrate_batch_norm(self, latents):
        """Calibrate all batch norms on latents `[batch, latent]`."""

        def calibrate_and_normalise(norm, h):
            norm.calibrate(h)
            return norm(h)

        self._paint(latents, calibrate_and_normalise)

    def call(self, latents, training=False):
        return self._paint(latents, lambda norm, h: norm(h, training=training))

    def _paint(self, latents, normalise):
        h = ops.reshape(self.start(latents), (-1, 4, 4, 16 * self.width))
        h = gated(normalise(self.norms[0], h))
        for conv, norm in zip(self.convs, self.norms[1:], strict=True):
            h = gated(normalise(norm, conv(upsample(h))))
        return ops.tanh(ops.cast(self.to_rgb(h), "float32"))

    def get_config(self):
        return {**super().get_config(), "latent": self.latent, "width": self.width}


@keras.saving.register_keras_serializable("stylefuse")
class RegularDiscriminator(keras.Model):
    """A discriminator of residual blocks without normalisation (after R3GAN, Huang et al. 2024).

    It has plain convolutions, because grouped ones are far slower without a GPU.

    Call: pictures `[batch, 64, 64, 3]` → logits `[batch]`.

    Args:
        width: channels at 64×64.
    """

    def __init__(self, width=16, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.from_rgb = EqualConv2D(width, 1, gain=1.0, name="from_rgb")
        down = SIDES[::-1]
        self.blocks = [
            Residual(channels(side, width), "same", name=f"block_{side}") for side in down
        ]
        self.widen = [
            EqualConv2D(channels(side, width), 1, gain=1.0, name=f"widen_{side}")
            for side in down[1:]
        ]
        self.real = EqualDense(1, name="real")

    def build(self, pictures_shape):
        standard_normal = keras.initializers.RandomNormal(stddev=1.0)
        shape = 4, 4, 8 * self.width
        self.basis = self.add_weight(shape, standard_normal, name="basis")
        self.call(keras.KerasTensor(pictures_shape))

    def call(self, pictures):
        h = self.blocks[0](self.from_rgb(pictures))
        for widen, block in zip(self.widen, self.blocks[1:], strict=True):
            h = block(widen(downsample(h, 2)))
        return self.real(ops.sum(h * self.basis, axis=(1, 2)) / 4)[:, 0]

    def get_config(self):
        return {**super().get_config(), "width": self.width}


def gated(h):
    """Gated linear unit (Dauphin et al. 2017, eq. 1): half of the channels, gated by the others."""
    first, second = ops.split(h, 2, axis=-1)
    return first * ops.sigmoid(second)
