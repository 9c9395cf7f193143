"""DCGAN (Radford et al. 2016) for pictures of 64×64 pixels."""

import keras
from keras import ops

from stylefuse.models.layers.convolution import activate
from stylefuse.models.layers.normalization import BatchNorm

SIDES = 4, 8, 16, 32, 64  # of the maps


@keras.saving.register_keras_serializable("stylefuse")
class DcganGenerator(keras.Model):
    """The generator of Radford et al. 2016 (figure 1), with kernels of 4 pixels, since the stride
    divides them.

    Call: latents `[batch, latent]` → pictures `[batch, 64, 64, 3]` in −1…1.

    Args:
        latent: length of a latent vector.
        width: channels at 32×32.
    """

    def __init__(self, latent=100, width=64, **kwargs):
        super().__init__(**kwargs)
        self.latent, self.width = latent, width
        self.start = keras.layers.Dense(
            16 * 8 * width, use_bias=False, kernel_initializer=dcgan_initializer(), name="start"
        )
        self.norms = [BatchNorm(name=f"norm_{side}") for side in SIDES[:-1]]
        self.convs = [
            keras.layers.Conv2DTranspose(
                filters, 4, 2, padding="same", use_bias=False,
                kernel_initializer=dcgan_initializer(), name=f"up_{side}",
            )
            for side, filters in zip(SIDES[1:], (4 * width, 2 * width, width, 3), strict=True)
        ]  # fmt: skip

    def calibrate_batch_norm(self, latents):
        """Calibrate all batch norms on latents `[batch, latent]`."""
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
    """The discriminator of Radford et al. 2016; its batch norms always use the batch's statistics.

    Call: pictures `[batch, 64, 64, 3]` → logits `[batch]`.

    Args:
        width: channels at 32×32.
    """

    def __init__(self, width=64, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.convs = [
            keras.layers.Conv2D(
                factor * width, 4, 2, padding="same", use_bias=False,
                kernel_initializer=dcgan_initializer(), name=f"down_{32 // factor}",
            )
            for factor in (1, 2, 4, 8)
        ]  # fmt: skip
        self.norms = [BatchNorm(name=f"norm_{side}") for side in (16, 8, 4)]
        self.real = keras.layers.Dense(1, kernel_initializer=dcgan_initializer(), name="real")

    def call(self, pictures):
        h = activate(self.convs[0](pictures))
        for conv, norm in zip(self.convs[1:], self.norms, strict=True):
            h = activate(norm(conv(h), training=True))
        return self.real(ops.reshape(h, (-1, 16 * 8 * self.width)))[:, 0]

    def get_config(self):
        return {**super().get_config(), "width": self.width}


def dcgan_initializer():
    """N(0, 0.02²), as in section 4 of the paper."""
    return keras.initializers.RandomNormal(stddev=0.02)
