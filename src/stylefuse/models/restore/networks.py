"""The restoration model: a U-shaped generator that knows the damage of the whole picture, and a
discriminator of pairs."""

import keras
import numpy as np
from keras import ops

from stylefuse.models.blocks.layers import (
    EqualConv2D,
    EqualDense,
    activate,
    from_opponent,
    shrink,
    to_opponent,
    upsample,
)

WIDTHS = 0.5, 0.8, 1.2, 1.8, 2.7, 4.0  # of the bank of Gaussian blurs, σ in pixels
REACH = 9  # pixels to each side that the widest blur sees
HEAD = 2.0  # gain of the heads that start at zero: how fast they learn
MOST = 3.0  # ln of how far a band may be amplified
QUIET = -5.0  # where thresholds start, ln of picture units


@keras.saving.register_keras_serializable("stylefuse")
class RestoreGenerator(keras.Model):
    """Gives a damaged picture back as it was.

    The backbone of the transfer model without its normalisation, since what it removes is wanted
    here, at half the resolution (as in FFDNet, Zhang et al. 2018), and with skip connections
    (Ronneberger et al. 2015). A code pooled from the whole picture describes the damage. It mends
    what is the same everywhere in two closed forms, bands of detail that are amplified and
    thresholded and a polynomial map of colours, and modulates the blocks that mend the rest.

    Args:
        width: channels at full resolution.
        blocks: residual blocks at the lowest resolution.
        code: numbers that describe the damage.

    Call: `[batch, height, width, 3]` in −1…1, sides multiples of 4 → the same shape.
    """

    def __init__(self, width=16, blocks=3, code=64, **kwargs):
        super().__init__(**kwargs, autocast=False)  # layers may compute in short floats, not this
        self.width, self.block_count, self.code = width, blocks, code
        w = width
        self.enter_2 = EqualConv2D(3 * w, name="enter_2")
        self.enter_4 = EqualConv2D(4 * w, 4, 2, name="enter_4")
        self.look = [EqualConv2D(4 * w, 4, 2, name=f"look_{s}") for s in (8, 16)]
        self.describe = EqualDense(code, gain=2**0.5, name="describe")
        self.understand = EqualDense(code, gain=2**0.5, name="understand")
        self.amplify = EqualDense(3 * len(WIDTHS), gain=HEAD, name="amplify")
        self.threshold = EqualDense(3 * len(WIDTHS), gain=HEAD, name="threshold")
        self.tone = EqualDense(39, gain=HEAD, name="tone")
        self.scales = [EqualDense(4 * w, gain=0.3, name=f"scale_{i}") for i in range(blocks)]
        self.first = [EqualConv2D(4 * w, name=f"first_{i}") for i in range(blocks)]
        self.second = [EqualConv2D(4 * w, gain=0.3, name=f"second_{i}") for i in range(blocks)]
        self.up_2 = EqualConv2D(3 * w, name="up_2")
        self.last = EqualConv2D(3 * w, name="last")
        self.paint = EqualConv2D(12, gain=1.0, name="paint")

    def build(self, x_shape):
        self.call(ops.zeros((1, 64, 64, 3)))
        still = self.amplify, self.threshold, self.tone, self.paint  # begin by changing nothing
        for layer in still:
            layer.kernel.assign(ops.zeros(layer.kernel.shape))

    def call(self, x):
        bands = detail_bands(to_opponent(x))
        coarse = shrink(x, 4)
        low, high = (f(coarse, axis=(1, 2), keepdims=True) for f in (ops.min, ops.max))
        stretched = 2 * (x - low) / (high - low + 0.05) - 1

        m2 = activate(self.enter_2(fold(x)))
        h = activate(self.enter_4(m2))
        code = self.damage_code(h, coarse, low, high, bands)
        for scale, first, second in zip(self.scales, self.first, self.second, strict=True):
            inner = activate(first(h)) * (1 + scale(code)[:, None, None, :])
            h = h + second(inner)
        h = activate(self.up_2(upsample(h)) + m2)
        h = activate(self.last(h))
        painted = unfold(ops.cast(self.paint(h), "float32"))
        return x + self.cleared(bands, code) + self.recoloured(x, stretched, code) + painted

    def damage_code(self, h, coarse, low, high, bands):
        """What the whole picture says of its damage → `[batch, code]`: pooled maps, the range and
        spread of its colours, and how much detail there is of each size."""
        for conv in self.look:
            h = activate(conv(h))
        detail = ops.log(ops.mean(ops.abs(bands), axis=(1, 2)) + 1e-3) + 4
        detail = ops.reshape(detail, (-1, 3 * len(WIDTHS)))
        mean, spread = ops.mean(coarse, axis=(1, 2)), ops.std(coarse, axis=(1, 2))
        low, high = low[:, 0, 0], high[:, 0, 0]
        cast = mean - ops.mean(mean, axis=-1, keepdims=True)
        plain = [detail, mean, 3 * spread, low, high, 5 * cast]
        pooled = ops.cast(ops.mean(h, axis=(1, 2)), "float32")
        code = activate(self.describe(ops.concatenate([pooled, *plain], axis=-1)))
        code = activate(self.understand(code))
        return ops.concatenate([ops.cast(code, "float32"), *plain], axis=-1)

    def cleared(self, bands, code):
        """What changes when each band of detail is thresholded, which takes noise away (Donoho &
        Johnstone 1994), and amplified, which undoes a blur; per opponent colour."""

        def head(layer):
            return ops.reshape(ops.cast(layer(code), "float32"), (-1, 1, 1, 3, len(WIDTHS)))

        # powers of e, since the logarithms of a blur's remedy and of its traces are proportional
        gains = ops.exp(ops.clip(head(self.amplify), -MOST, MOST))
        thresholds = ops.exp(QUIET + head(self.threshold))
        kept = ops.sign(bands) * ops.relu(ops.abs(bands) - thresholds)
        return from_opponent(ops.sum(gains * kept - bands, axis=-1))

    def recoloured(self, x, stretched, code):
        """What a map of colours changes: linear in the picture, and cubic in the picture stretched
        to its full range, as faded ones need."""
        matrix, shift = ops.split(ops.cast(self.tone(code), "float32"), [36], axis=-1)
        powers = ops.concatenate([x, stretched, stretched**2, stretched**3], axis=-1)
        change = ops.einsum("bhwc,bcd->bhwd", powers, ops.reshape(matrix, (-1, 12, 3)))
        return change + shift[:, None, None, :]

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "blocks": self.block_count,
            "code": self.code,
        }


def fold(x):
    """`[batch, height, width, c]` → `[batch, height/2, width/2, 4·c]`: 2×2 blocks as channels."""
    batch, height, width, c = ops.shape(x)
    x = ops.reshape(x, (batch, height // 2, 2, width // 2, 2, c))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (batch, height // 2, width // 2, 4 * c))


def unfold(x):
    """The way back from `fold`."""
    batch, height, width, c = ops.shape(x)
    x = ops.transpose(ops.reshape(x, (batch, height, width, 2, 2, c // 4)), (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (batch, 2 * height, 2 * width, c // 4))


def detail_bands(x):
    """Pictures `[batch, height, width, 3]` → what each blur of `WIDTHS` takes away beyond the one
    before it, `[batch, height, width, 3, len(WIDTHS)]`."""
    edge = [[0, 0], [REACH, REACH], [REACH, REACH], [0, 0]]
    padded = ops.pad(x, edge, mode="reflect")
    across = ops.depthwise_conv(padded, _kernels()[None, :], padding="valid")
    # what was three channels is now 3·len(WIDTHS), each with its own kernel
    down = ops.depthwise_conv(
        across, ops.reshape(_kernels(), (2 * REACH + 1, 1, -1, 1)), padding="valid"
    )
    blurred = ops.reshape(down, (*ops.shape(x), len(WIDTHS)))
    return ops.concatenate([x[..., None], blurred[..., :-1]], axis=-1) - blurred


def _kernels():
    """Gaussians `[2·REACH + 1, 3, len(WIDTHS)]`, the same for each colour."""
    at = np.arange(-REACH, REACH + 1)[:, None]
    bell = np.exp(-0.5 * (at / np.array(WIDTHS)) ** 2)
    bell /= bell.sum(axis=0)
    return ops.convert_to_tensor(np.tile(bell[:, None], (1, 3, 1)).astype(np.float32))


@keras.saving.register_keras_serializable("stylefuse")
class RestoreDiscriminator(keras.Model):
    """Tells, patch by patch, whether a picture is the undamaged original of a damaged one (the
    PatchGAN of Isola et al. 2017).

    Call: pictures and their damaged versions `[batch, height, width, 3]`
    → logits `[batch, height/8, width/8]`.
    """

    def __init__(self, width=32, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.trunk = [
            EqualConv2D(width, 4, 2, padding="same", name="trunk_2"),
            EqualConv2D(2 * width, 4, 2, padding="same", name="trunk_4"),
            EqualConv2D(4 * width, 4, 2, padding="same", name="trunk_8"),
            EqualConv2D(4 * width, 3, 1, padding="same", name="trunk_8b"),
        ]
        self.real = EqualConv2D(1, 1, gain=1.0, name="real")

    def call(self, x, damaged):
        h = ops.concatenate([x, damaged], axis=-1)
        for conv in self.trunk:
            h = activate(conv(h))
        return self.real(h)[..., 0]

    def get_config(self):
        return {**super().get_config(), "width": self.width}
