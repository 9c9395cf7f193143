"""Networks of the restoration model: a generator that recognises and undoes degradations, and a
discriminator of pairs.

The names of attributes and layers are part of saved weights; do not change them.
"""

import keras
import numpy as np
from keras import ops

from stylefuse.inference.degradation_features import FEATURE_COUNT
from stylefuse.models.layers.convolution import EqualConv2D, EqualDense, activate
from stylefuse.models.restore.classical_filters import thin_structures, unfade
from stylefuse.models.restore.degradation import COLOURS, KINDS

FADING, SEPIA, CAST = map(KINDS.index, ("fading", "sepia", "cast"))
DETAIL = len(KINDS)  # the last logit: whether any detail is degraded
DETAIL_LABELS = np.array([kind not in COLOURS for kind in KINDS], np.float32)
CANDIDATES = 4  # the picture, Wiener-filtered, without light and without dark thin structures
# initial logits of candidates: the picture's, and the filtered one's if a kind that it undoes is
# recognised; the others' are zero
PICTURE_LOGIT, FILTERED_LOGIT = 3.0, 6.0
FILTERABLE = tuple(map(KINDS.index, ("blur", "noise", "halftone")))
# Below the first probability nothing is changed, above the second all is; chosen on validation
# photographs, on which a correction that is not needed costs more than one that is missed.
CERTAIN = {"fading": (0.4, 0.7), "sepia": (0.4, 0.7), "cast": (0.7, 0.9), "detail": (0.3, 0.7)}
LOW, HIGH = np.array(
    [CERTAIN.get(kind, CERTAIN["detail"]) for kind in (*KINDS, "detail")], np.float32
).T


def build_generator(width, blocks, code):
    """A `RestoreGenerator` with initial weights."""
    generator = RestoreGenerator(width, blocks, code, name="generator")
    picture = ops.zeros((1, 64, 64, 3))
    generator(picture, picture, ops.zeros((1, FEATURE_COUNT)))
    return generator


def build_discriminator(settings):
    """A `RestoreDiscriminator` with initial weights, of `settings.discriminator_width`."""
    discriminator = RestoreDiscriminator(settings.discriminator_width, name="discriminator")
    discriminator(ops.zeros((1, 64, 64, 3)), ops.zeros((1, 64, 64, 3)))
    return discriminator


@keras.saving.register_keras_serializable("stylefuse")
class RestoreGenerator(keras.Model):
    """Restores degraded pictures.

    Fully connected layers recognise the kinds of degradation from the features of the whole
    picture, which are their only input. Detail is restored by a U-net (Ronneberger et al. 2015)
    of residual blocks at a half, a quarter and an eighth of the resolution (as in FFDNet, Zhang et
    al. 2018). Its inputs are the picture and the answers of classical filters; its outputs are a
    mix of these, by a softmax for each pixel, and a residual, which is zero at first. Colours are
    corrected by a matrix and by curves that fully connected layers predict. What is not
    recognised as degraded with some certainty is not changed at all.

    Call: `[batch, height, width, 3]` in −1…1, sides multiples of 8, the same Wiener-filtered, and
    the features `[batch, FEATURE_COUNT]` of the whole pictures → the pictures' shape.

    Args:
        width: channels at full resolution; 2, 4 and 8 times as many at the lower ones.
        blocks: residual blocks at the lowest resolution.
        code: numbers that describe the degradation.
    """

    def __init__(self, width=16, blocks=2, code=64, **kwargs):
        super().__init__(**kwargs, autocast=False)  # only the layers may compute in bfloat16
        self.width, self.block_count, self.code = width, blocks, code
        w, dense = width, 2 * code
        self.recognise = _Perceptron([dense, dense], len(KINDS) + 1, 1.0, name="recognise")
        self.describe = _Perceptron([dense], code, 2**0.5, name="describe")
        self.tone = _Perceptron([dense, dense], 9 + 12, 1.0, name="tone")
        self.choose = EqualDense(CANDIDATES, name="choose")
        self.enter_2 = EqualConv2D(2 * w, padding="same", name="enter_2")
        self.enter_4 = EqualConv2D(4 * w, 4, 2, padding="same", name="enter_4")
        self.down_4 = _Block(4 * w, name="down_4")
        self.enter_8 = EqualConv2D(8 * w, 4, 2, padding="same", name="enter_8")
        self.middle = [_Block(8 * w, name=f"middle_{i}") for i in range(blocks)]
        self.leave_8 = EqualConv2D(16 * w, 1, padding="same", gain=1.0, name="leave_8")
        self.up_4 = _Block(4 * w, name="up_4")
        self.leave_4 = EqualConv2D(8 * w, 1, padding="same", gain=1.0, name="leave_4")
        self.up_2 = _Block(2 * w, name="up_2")
        self.paint = EqualConv2D(4 * (3 + CANDIDATES), padding="same", gain=1.0, name="paint")

    def build(self, x_shape, filtered_shape, features_shape):
        picture = ops.zeros((1, 64, 64, 3))
        self.restore_detail(picture, picture, ops.zeros((1, features_shape[-1])))
        self.tone(ops.zeros((1, features_shape[-1])))
        for layer in (self.choose, self.paint, self.tone.last):
            layer.kernel.assign(ops.zeros(layer.kernel.shape))  # start by changing nothing

    def call(self, x, filtered, features):
        detail, logits = self.restore_detail(x, filtered, features)
        certain = certainty(ops.sigmoid(logits))
        restored = x + certain[:, DETAIL:, None, None] * (detail - x)
        return self.correct_colours(restored, features, certain)

    def restore_detail(self, x, filtered, features):
        """The pictures with restored detail, in the degraded colours, whatever is recognised; and
        the logits `[batch, len(KINDS) + 1]` of the kinds and, last, of any degraded detail."""
        code, probabilities, h = self.trunk(x, filtered, features)
        shares = ops.softmax(h[..., 3:] + _per_channel(self.choice(code, probabilities)), axis=-1)
        light, dark = thin_structures(x)
        change = shares[..., 1:2] * (filtered - x)
        change = change - shares[..., 2:3] * light + shares[..., 3:] * dark
        return x + change + h[..., :3], _float32(self.recognise(features))

    def trunk(self, x, filtered, features):
        """The code of the degradation, the probabilities of the kinds, and for each pixel the
        residual and the logits of the candidates, `[batch, height, width, 3 + CANDIDATES]`."""
        probabilities = ops.stop_gradient(ops.sigmoid(_float32(self.recognise(features))))
        code = _float32(activate(self.describe(features)))
        code = ops.concatenate([code, features, probabilities], axis=-1)
        planes = ops.concatenate(
            [x, filtered - x, *(2 * part for part in thin_structures(x))], axis=-1
        )
        painted = _float32(self.paint(self.backbone(planes, code)))
        return code, probabilities, depth_to_space(painted)

    def choice(self, code, probabilities):
        """Logits of the candidates for the whole picture, `[batch, CANDIDATES]`."""
        return _float32(self.choose(code)) + self.first_choice(probabilities)

    def first_choice(self, probabilities):
        """Logits of the candidates before anything is learned, `[batch, CANDIDATES]`."""
        filterable = ops.max(ops.take(probabilities, FILTERABLE, axis=1), axis=1, keepdims=True)
        picture, filtered, *_ = np.eye(CANDIDATES, dtype=np.float32)
        return PICTURE_LOGIT * picture + FILTERED_LOGIT * filterable * filtered

    def backbone(self, x, code):
        """`[batch, height, width, channels]` → `[batch, height/2, width/2, 2·self.width]`."""
        m2 = activate(self.enter_2(space_to_depth(x)))
        m4 = self.down_4(activate(self.enter_4(m2)), code)
        h = activate(self.enter_8(m4))
        for block in self.middle:
            h = block(h, code)
        h = self.up_4(depth_to_space(self.leave_8(h)) + m4, code)
        h = self.up_2(depth_to_space(self.leave_4(h)) + m2, code)
        return activate(h)

    def correct_colours(self, x, features, certain):
        """Remove a tint with a colour matrix, then undo fading and casts.

        Args:
            x: pictures, or single pixels `[batch, 1, n, 3]`.
            features: of the whole pictures.
            certain: how much of the correction for each kind is applied, 0…1,
                `[batch, kinds or more]`.
        """
        tone = _float32(self.tone(features))
        change, matrix, shift = ops.split(tone, [9, 18], axis=-1)
        tint = ops.einsum("bhwc,bcd->bhwd", x, ops.reshape(matrix, (-1, 3, 3)))
        tint = tint + _per_channel(shift)
        x = x + _per_channel(certain[:, SEPIA : SEPIA + 1]) * tint
        faded = ops.maximum(certain[:, FADING : FADING + 1], certain[:, CAST : CAST + 1])
        return x + _per_channel(faded) * (unfade(x, features, change) - x)

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "blocks": self.block_count,
            "code": self.code,
        }


def certainty(probabilities):
    """Probabilities `[batch, len(KINDS) + 1]` stretched from `CERTAIN` to 0…1: what is unlikely has
    no effect at all."""
    return ops.clip((probabilities - LOW) / (HIGH - LOW), 0.0, 1.0)


class _Block(keras.layers.Layer):
    """A residual block whose channels are scaled by the code of the degradation.

    Call: `[batch, height, width, channels]` and `[batch, numbers]` → the maps' shape.
    """

    def __init__(self, channels, **kwargs):
        super().__init__(**kwargs)
        self.first = EqualConv2D(channels, padding="same", name="first")
        self.scale = EqualDense(channels, gain=1.0, name="scale")
        self.second = EqualConv2D(channels, padding="same", gain=0.3, name="second")

    def build(self, x_shape, code_shape):
        self.first.build(x_shape)
        self.scale.build(code_shape)
        self.second.build(x_shape)

    def call(self, x, code):
        h = activate(self.first(x))
        return x + self.second(h * ops.cast(_per_channel(1 + self.scale(code)), h.dtype))


class _Perceptron(keras.layers.Layer):
    """Fully connected layers with leaky ReLUs between them.

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


def space_to_depth(x):
    """Blocks of 2×2 pixels as channels: `[batch, height, width, c]` →
    `[batch, height/2, width/2, 4·c]`."""
    batch, height, width, c = ops.shape(x)
    x = ops.reshape(x, (batch, height // 2, 2, width // 2, 2, c))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (batch, height // 2, width // 2, 4 * c))


def depth_to_space(x):
    """The inverse of `space_to_depth`."""
    batch, height, width, c = ops.shape(x)
    x = ops.transpose(ops.reshape(x, (batch, height, width, 2, 2, c // 4)), (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (batch, 2 * height, 2 * width, c // 4))


@keras.saving.register_keras_serializable("stylefuse")
class RestoreDiscriminator(keras.Model):
    """Classifies each patch of a picture as real or fake, given the degraded picture (PatchGAN,
    Isola et al. 2017).

    Call: pictures and their degraded versions `[batch, height, width, 3]`
    → logits `[batch, height/8, width/8]`.

    Args:
        width: channels at stride 2.
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


def _float32(x):
    """Colours are computed in float32, whatever the layers compute in."""
    return ops.cast(x, "float32")


def _per_channel(x):
    """`[batch, n]` → `[batch, 1, 1, n]`."""
    return x[:, None, None, :]
