"""Progressive growing of GANs (Karras et al. 2018).

Training starts at level 0, pictures of 8×8 pixels, and ends at level 3, 64×64. At every level,
pictures are `[batch, 64, 64, 3]`; those of lower levels have their pixels repeated.
"""

import keras
from keras import ops

from stylefuse.models.layers.convolution import EqualConv2D, EqualDense, activate
from stylefuse.models.layers.resampling import downsample, upsample

SIDES = 8, 16, 32, 64  # of the pictures of each level
LAST_LEVEL = len(SIDES) - 1
PIXEL_NORM_FLOOR = 1e-8  # added to mean squares


def channels(side, width):
    """Channels of maps with a given side: `width` at 64, doubled where the side halves, at most
    8·`width`."""
    return width * min(8, 64 // side)


def at_level(pictures, level, fade):
    """Reduce real pictures to the resolution that the generator has at a level.

    Args:
        pictures: `[batch, 64, 64, 3]`.
        level: 0…`LAST_LEVEL`.
        fade: 0 is the resolution of the level below, 1 that of this level.

    Returns:
        `[batch, 64, 64, 3]`.
    """
    fine = _reduce(pictures, level)
    if level:
        fine = _fade(upsample(downsample(fine, 2)), fine, fade)
    return _enlarge(fine, level)


@keras.saving.register_keras_serializable("stylefuse")
class ProgressiveGenerator(keras.Model):
    """Paints at the resolution of a level, which fades in over the level below (figure 2).

    Call: latents `[batch, latent]`, the level (static) and how far it is faded in, 0…1
    → pictures `[batch, 64, 64, 3]`, about −1…1.

    Args:
        latent: length of a latent vector.
        width: channels at 64×64, see `channels`.
    """

    def __init__(self, latent=128, width=16, **kwargs):
        super().__init__(**kwargs)
        self.latent, self.width = latent, width
        self.start = EqualDense(16 * 8 * width, gain=2**0.5 / 4, name="start")
        self.start_conv = EqualConv2D(8 * width, name="start_conv")
        self.first, self.second, self.to_rgb = [], [], []
        for side in SIDES:
            filters = channels(side, width)
            self.first.append(EqualConv2D(filters, name=f"first_{side}"))
            self.second.append(EqualConv2D(filters, name=f"second_{side}"))
            self.to_rgb.append(EqualConv2D(3, 1, gain=1.0, name=f"to_rgb_{side}"))

    def build(self, latents_shape):
        for level in range(len(SIDES)):  # builds the layers of all levels
            self.call(keras.KerasTensor(latents_shape), level)

    def call(self, latents, level=LAST_LEVEL, fade=1.0):
        h = self.start(_pixel_norm(latents))
        h = _pixel_norm(activate(ops.reshape(h, (-1, 4, 4, 8 * self.width))))
        h = _pixel_norm(activate(self.start_conv(h)))
        for first, second in zip(self.first[: level + 1], self.second, strict=False):
            below = h
            h = _pixel_norm(activate(first(upsample(below))))
            h = _pixel_norm(activate(second(h)))
        picture = self.to_rgb[level](h)
        if level:
            picture = _fade(upsample(self.to_rgb[level - 1](below)), picture, fade)
        return _enlarge(ops.cast(picture, "float32"), level)

    def get_config(self):
        return {**super().get_config(), "latent": self.latent, "width": self.width}


@keras.saving.register_keras_serializable("stylefuse")
class ProgressiveDiscriminator(keras.Model):
    """Classifies pictures at the resolution of a level; mirrors the generator's layers.

    Call: pictures `[batch, 64, 64, 3]`, the level (static) and how far it is faded in, 0…1
    → logits `[batch]`.

    Args:
        width: channels at 64×64, see `channels`.
    """

    def __init__(self, width=16, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.from_rgb, self.first, self.second = [], [], []
        coarser = 8 * width
        for side in SIDES:
            filters = channels(side, width)
            self.from_rgb.append(EqualConv2D(filters, 1, name=f"from_rgb_{side}"))
            self.first.append(EqualConv2D(filters, padding="same", name=f"first_{side}"))
            self.second.append(EqualConv2D(coarser, padding="same", name=f"second_{side}"))
            coarser = filters
        self.last_conv = EqualConv2D(8 * width, padding="same", name="last_conv")
        self.hidden = EqualDense(8 * width, gain=2**0.5, name="hidden")
        self.real = EqualDense(1, name="real")

    def build(self, pictures_shape):
        for level in range(len(SIDES)):
            self.call(keras.KerasTensor(pictures_shape), level)

    def call(self, pictures, level=LAST_LEVEL, fade=1.0):
        x = _reduce(pictures, level)
        h = activate(self.from_rgb[level](x))
        for i in range(level, -1, -1):
            h = downsample(activate(self.second[i](activate(self.first[i](h)))), 2)
            if i == level > 0:
                h = _fade(activate(self.from_rgb[level - 1](downsample(x, 2))), h, fade)
        h = activate(self.last_conv(_append_deviation(h)))
        h = activate(self.hidden(ops.reshape(h, (-1, 16 * 8 * self.width))))
        return self.real(h)[:, 0]

    def get_config(self):
        return {**super().get_config(), "width": self.width}


def _pixel_norm(x):
    """Scale the feature vector of each pixel to the length √channels (section 4.2)."""
    return x * ops.rsqrt(ops.mean(ops.square(x), axis=-1, keepdims=True) + PIXEL_NORM_FLOOR)


def _append_deviation(x):
    """Append a channel with the mean standard deviation over the batch (section 3)."""
    deviation = ops.mean(ops.sqrt(ops.var(x, axis=0) + 1e-8))
    return ops.concatenate([x, deviation * ops.ones_like(x[..., :1])], axis=-1)


def _fade(below, new, fade):
    return (1 - fade) * below + fade * new  # exact at both ends


def _reduce(pictures, level):
    return downsample(pictures, 2 ** (LAST_LEVEL - level))


def _enlarge(picture, level):
    for _ in range(level, LAST_LEVEL):
        picture = upsample(picture)
    return picture
