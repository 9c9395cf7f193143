"""Generators that paint a portrait from a latent vector, and the discriminators beside them.

Latents are standard normal, `[batch, latent]`; pictures are `[batch, 64, 64, 3]` in −1…1. Channels
double where the side halves, up to eight times the width.
"""

from typing import Any

import keras
from keras import ops

from stylefuse.models.layers.convolution import EqualConv2D, EqualDense, activate
from stylefuse.models.layers.resampling import shrink, upsample
from stylefuse.models.portrait.dcgan import (
    SIDES,
    BatchNorm,
    DcganDiscriminator,
    DcganGenerator,
    small_weights,
)
from stylefuse.models.portrait.progressive import GrowingDiscriminator, GrowingGenerator, channels


def build_generator(architecture, latent, width):
    """A built generator.

    Args:
        architecture: "dcgan", "progressive" or "regular".
        latent: numbers in a latent vector.
        width: channels at the highest resolution.
    """
    generator = ARCHITECTURES[architecture][0](latent, width, name="generator")
    generator(keras.KerasTensor((None, latent)))
    return generator


def build_discriminator(settings):
    """A built discriminator of `settings.architecture`."""
    discriminator = ARCHITECTURES[settings.architecture][1](
        settings.discriminator_width, name="discriminator"
    )
    discriminator(keras.KerasTensor((None, 64, 64, 3)))
    return discriminator


@keras.saving.register_keras_serializable("stylefuse")
class Residual(keras.layers.Layer):
    """Two convolutions beside a straight path, without normalisation.

    The second one starts at zero, so that a network of any depth starts as its straight path
    (Zhang et al. 2019, section 3).

    Call: `[batch, height, width, filters]` → the same shape.
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
class RegularGenerator(keras.Model):
    """A generator that learns from few pictures (after FastGAN, Liu et al. 2021, section 3.1).

    Each phase repeats pixels, convolves, normalises and gates (Dauphin et al. 2017, eq. 1). Without
    normalisation, as the discriminator beside it is, it learned nothing in the time of a CPU.

    Call: latents `[batch, latent]` → pictures `[batch, 64, 64, 3]` in −1…1.

    Args:
        latent: numbers in a latent vector.
        width: channels at 64×64.
    """

    def __init__(self, latent=64, width=16, **kwargs):
        super().__init__(**kwargs)
        self.latent, self.width = latent, width
        self.start = keras.layers.Dense(
            16 * 16 * width, use_bias=False, kernel_initializer=small_weights(), name="start"
        )
        self.norms = [BatchNorm(name=f"norm_{side}") for side in SIDES]
        self.convs = [
            keras.layers.Conv2D(
                2 * channels(side, width), 3, padding="same", use_bias=False,
                kernel_initializer=small_weights(), name=f"conv_{side}",
            )
            for side in SIDES[1:]
        ]  # fmt: skip
        self.to_rgb = keras.layers.Conv2D(
            3, 3, padding="same", kernel_initializer=small_weights(), name="to_rgb"
        )

    def calibrate_batch_norm(self, latents):
        """Fix the statistics of all batch norms to those of these latents, `[many, latent]`."""
        self._paint(latents, lambda norm, h: norm.calibrate(h) or norm(h))

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
    """Residual blocks and nothing else (after R3GAN, Huang et al. 2024); its gradient penalty is
    what keeps it regular. Plain convolutions: grouped ones are far slower without a GPU.

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
        unit = keras.initializers.RandomNormal(stddev=1.0)
        self.basis = self.add_weight((4, 4, 8 * self.width), unit, name="basis")
        self.call(keras.KerasTensor(pictures_shape))

    def call(self, pictures):
        h = self.blocks[0](self.from_rgb(pictures))
        for widen, block in zip(self.widen, self.blocks[1:], strict=True):
            h = block(widen(shrink(h, 2)))
        return self.real(ops.sum(h * self.basis, axis=(1, 2)) / 4)[:, 0]

    def get_config(self):
        return {**super().get_config(), "width": self.width}


def gated(h):
    """Gated linear unit: the second half of the channels says how much of the first goes on."""
    first, second = ops.split(h, 2, axis=-1)
    return first * ops.sigmoid(second)


ARCHITECTURES: dict[str, tuple[Any, Any]] = {
    "dcgan": (DcganGenerator, DcganDiscriminator),
    "progressive": (GrowingGenerator, GrowingDiscriminator),
    "regular": (RegularGenerator, RegularDiscriminator),
}
