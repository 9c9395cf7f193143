"""The restoration model: a generator that recognises the damage of a picture and mends it, and a
discriminator of pairs."""

import keras
import numpy as np
from keras import ops

from stylefuse.inference.degradation_features import SIZE
from stylefuse.models.layers.colour import from_opponent, to_opponent
from stylefuse.models.layers.convolution import EqualConv2D, EqualDense, activate
from stylefuse.models.layers.resampling import upsample
from stylefuse.models.restore.classical_filters import (
    BLURS,
    WIDTHS,
    denoising,
    detail_bands,
    sharpening,
    thin_things,
    unfaded,
)
from stylefuse.models.restore.degradation import KINDS

FINE = [KINDS.index(kind) for kind in ("blur", "small", "noise", "jpeg")]  # damages of detail
FADING, SEPIA, SCRATCHES = map(KINDS.index, ("fading", "sepia", "scratches"))
HEAD = 2.0  # gain of the heads that start at zero: how fast they learn
QUIET = -5.0  # where thresholds start, ln of picture units
MOST = 3.0  # ln of how far a band may be amplified
UNHEALED = -3.0  # where the masks of scratches start, a logit
UNBLURRED = 4.0  # where "no blur" starts against each blur, a logit


def build_generator(width, blocks, code):
    """A built `RestoreGenerator`."""
    generator = RestoreGenerator(width, blocks, code, name="generator")
    generator(ops.zeros((1, 64, 64, 3)), ops.zeros((1, SIZE)))
    return generator


def build_discriminator(settings):
    """A built `RestoreDiscriminator`."""
    discriminator = RestoreDiscriminator(settings.discriminator_width, name="discriminator")
    discriminator(ops.zeros((1, 64, 64, 3)), ops.zeros((1, 64, 64, 3)))
    return discriminator


@keras.saving.register_keras_serializable("stylefuse")
class RestoreGenerator(keras.Model):
    """Gives a damaged picture back as it was.

    Fully connected layers tell from what was measured of the whole picture which kinds of damage it
    has; they are trained on nothing else. What is the same everywhere is mended in closed form,
    each remedy as far as its damage is probable and as others of these layers say: inverse filters,
    thresholds, curves and a matrix of colours. The rest is painted, and scratches are masked, by
    the backbone of the transfer model without its normalisation, since what that removes is wanted
    here, at half the resolution (as in FFDNet, Zhang et al. 2018), with a skip connection
    (Ronneberger et al. 2015).

    Args:
        width: channels at full resolution.
        blocks: residual blocks at the lowest resolution.
        code: numbers that describe the damage.

    Call: `[batch, height, width, 3]` in −1…1, sides multiples of 4, and `degradation_features` of the whole
    pictures, `[batch, SIZE]` → the pictures' shape.
    """

    def __init__(self, width=16, blocks=3, code=64, **kwargs):
        super().__init__(**kwargs, autocast=False)  # layers may compute in short floats, not this
        self.width, self.block_count, self.code = width, blocks, code
        w, dense = width, 2 * code
        self.recognise = _Perceptron([dense, dense], len(KINDS), 1.0, name="recognise")
        self.describe = _Perceptron([dense], code, 2**0.5, name="describe")
        self.sharpen = EqualDense(1 + len(BLURS), gain=HEAD, name="sharpen")
        self.denoise = EqualDense(6 * len(WIDTHS), gain=HEAD, name="denoise")
        self.tone = _Perceptron([dense, dense], 9 + 12, 1.0, name="tone")
        self.enter_2 = EqualConv2D(3 * w, name="enter_2")
        self.enter_4 = EqualConv2D(4 * w, 4, 2, name="enter_4")
        self.scales = [EqualDense(4 * w, gain=1.0, name=f"scale_{i}") for i in range(blocks)]
        self.first = [EqualConv2D(4 * w, name=f"first_{i}") for i in range(blocks)]
        self.second = [EqualConv2D(4 * w, gain=0.3, name=f"second_{i}") for i in range(blocks)]
        self.up_2 = EqualConv2D(3 * w, name="up_2")
        self.last = EqualConv2D(3 * w, name="last")
        self.scale = EqualDense(3 * w, gain=1.0, name="scale")
        self.paint = EqualConv2D(12, gain=1.0, name="paint")
        self.repair_dvc_lock = EqualConv2D(8, gain=1.0, name="heal")

    def build(self, x_shape, measured_shape):
        self.restore(ops.zeros((1, 64, 64, 3)), ops.zeros((1, measured_shape[-1])))
        for layer in (self.sharpen, self.denoise, self.tone.last, self.paint):
            layer.kernel.assign(ops.zeros(layer.kernel.shape))  # begin by changing nothing

    def call(self, x, measured):
        return self.restore(x, measured)[0]

    def restore(self, x, measured):
        """The restored pictures, and logits of the `KINDS` of damage `[batch, kinds]`."""
        logits = _full(self.recognise(measured))
        probable = ops.stop_gradient(ops.sigmoid(logits))
        code = ops.concatenate([_full(activate(self.describe(measured))), measured, probable], -1)

        thin = ops.concatenate(thin_things(x), axis=-1)
        h = self.backbone(ops.concatenate([x, 2 * thin], axis=-1), code)
        scratched = probable[:, SCRATCHES : SCRATCHES + 1, None, None]
        mask = scratched * ops.sigmoid(unfold(_full(self.repair_dvc_lock(h))) + UNHEALED)
        light, dark = ops.split(thin, 2, axis=-1)
        healed = mask[..., 1:] * dark - mask[..., :1] * light
        fine = self.sharpened_and_denoised(x, code, probable)
        restored = x + healed + fine + unfold(_full(self.paint(h)))
        return self.recoloured(restored, measured, probable), logits

    def backbone(self, x, code):
        """`[batch, height, width, channels]` → `[batch, height/2, width/2, 3·self.width]`."""
        m2 = activate(self.enter_2(fold(x)))
        h = activate(self.enter_4(m2))
        for scale, first, second in zip(self.scales, self.first, self.second, strict=True):
            h = h + second(activate(first(h)) * _over(1 + scale(code)))
        h = activate(self.up_2(upsample(h)) + m2)
        return activate(self.last(h)) * _over(1 + self.scale(code))

    def sharpened_and_denoised(self, x, code, probable):
        """What the remedies of fine detail change, each kind of damage with weights of its own."""
        code = ops.concatenate([code, ops.ones_like(code[:, :1])], axis=-1)
        each = ops.stack([probable[:, kind : kind + 1] * code for kind in FINE], axis=1)
        each = ops.reshape(each, (-1, len(FINE) * code.shape[-1]))
        bands = detail_bands(to_opponent(x))
        start = np.array([UNBLURRED] + [0.0] * len(BLURS), np.float32)
        shares = ops.softmax(_full(self.sharpen(each)) + start)[:, 1:]
        logs = ops.reshape(_full(self.denoise(each)), (-1, 2, 3, len(WIDTHS)))
        thresholds, gains = ops.exp(QUIET + logs[:, 0]), ops.exp(ops.minimum(logs[:, 1], MOST))
        return from_opponent(sharpening(bands, shares) + denoising(bands, thresholds, gains))

    def recoloured(self, x, measured, probable):
        """A matrix that takes a tint away, then curves against fading, each as far as probable."""
        tone = _full(self.tone(measured))
        change, matrix, shift = ops.split(tone, [9, 18], axis=-1)
        tinted = ops.einsum("bhwc,bcd->bhwd", x, ops.reshape(matrix, (-1, 3, 3))) + _over(shift)
        x = x + _over(probable[:, SEPIA : SEPIA + 1]) * tinted
        return x + _over(probable[:, FADING : FADING + 1]) * (unfaded(x, measured, change) - x)

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "blocks": self.block_count,
            "code": self.code,
        }


class _Perceptron(keras.layers.Layer):
    """Fully connected layers with rectifiers between them.

    Call: `[batch, inputs]` → `[batch, outputs]`.
    """

    def __init__(self, hidden, outputs, gain, **kwargs):
        super().__init__(**kwargs)
        self.hidden = [EqualDense(n, gain=2**0.5, name=f"hidden_{i}") for i, n in enumerate(hidden)]
        self.last = EqualDense(outputs, gain=gain, name="last")

    def build(self, x_shape):
        for layer in (*self.hidden, self.last):
            layer.build(x_shape)
            x_shape = layer.compute_output_shape(x_shape)

    def call(self, x):
        for layer in self.hidden:
            x = activate(layer(x))
        return self.last(x)


def _full(x):
    """Whatever layers computed in, what colours are computed from is not rounded further."""
    return ops.cast(x, "float32")


def _over(x):
    """`[batch, n]` → `[batch, 1, 1, n]`."""
    return x[:, None, None, :]


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

    def call(self, x, degraded):
        h = ops.concatenate([x, degraded], axis=-1)
        for conv in self.trunk:
            h = activate(conv(h))
        return self.real(h)[..., 0]

    def get_config(self):
        return {**super().get_config(), "width": self.width}
