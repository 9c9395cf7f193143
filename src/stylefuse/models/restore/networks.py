"""Networks of the restoration model: a generator that recognises and undoes degradations, and a
discriminator of pairs.

The names of attributes and layers are part of saved weights; do not change them.
"""

import keras
import numpy as np
from keras import ops

from stylefuse.inference.degradation_features import FEATURE_COUNT
from stylefuse.inference.degradation_kinds import COLOURS, FREQUENT, KINDS
from stylefuse.models.layers.colour import from_opponent, to_opponent
from stylefuse.models.layers.convolution import EqualConv2D, EqualDense, activate
from stylefuse.models.layers.resampling import upsample
from stylefuse.models.restore.classical_filters import (
    BAND_SIGMAS,
    BLUR_SIGMAS,
    denoise,
    detail_bands,
    sharpen,
    thin_structures,
    unfade,
)

DETAIL_KINDS = [KINDS.index(kind) for kind in ("blur", "small", "noise", "jpeg")]
FADING, SEPIA, SCRATCHES = map(KINDS.index, ("fading", "sepia", "scratches"))
DETAIL = len(KINDS)  # the detector's last logit: whether any detail is degraded
BOUNDED = len(FREQUENT) + len(KINDS) + 1  # probabilities: of `recognise`, then of `detector`
DETAIL_LABELS = np.array([kind not in COLOURS for kind in KINDS], np.float32)
# Below the first probability nothing is changed, above the second all is; chosen on validation
# photographs, on which a correction that is not needed costs more than one that is missed.
THRESHOLDS = {"fading": (0.2, 0.5), "sepia": (0.2, 0.5), "detail": (0.3, 0.5)}
THRESHOLD = 0.1, 0.25  # every other kind
LOW, HIGH = np.array([THRESHOLDS.get(kind, THRESHOLD) for kind in (*KINDS, "detail")], np.float32).T
FILTER_GAIN = 2.0  # of the layers that predict filters and start at zero: how fast they learn
# initial values
LOG_THRESHOLD = -5.0  # ln of the denoising thresholds
SCRATCH_MASK_LOGIT = -3.0
NO_BLUR_LOGIT = 4.0  # of "no blur", relative to each blur
MAX_LOG_GAIN = 3.0  # of a band


def build_generator(width, blocks, code):
    """A `RestoreGenerator` with initial weights."""
    generator = RestoreGenerator(width, blocks, code, name="generator")
    generator(ops.zeros((1, 64, 64, 3)), ops.zeros((1, FEATURE_COUNT)))
    return generator


def build_discriminator(settings):
    """A `RestoreDiscriminator` with initial weights, of `settings.discriminator_width`."""
    discriminator = RestoreDiscriminator(settings.discriminator_width, name="discriminator")
    discriminator(ops.zeros((1, 64, 64, 3)), ops.zeros((1, 64, 64, 3)))
    return discriminator


def certainty(probabilities):
    """Probabilities `[batch, len(KINDS) + 1]` stretched from `THRESHOLDS` to 0…1: what is unlikely
    has no effect at all. Detail counts as degraded only as far as one of its kinds is certain."""
    certain = ops.clip((probabilities - LOW) / (HIGH - LOW), 0.0, 1.0)
    of_kinds = ops.max(certain[:, :DETAIL] * DETAIL_LABELS, axis=1, keepdims=True)
    detail = ops.minimum(certain[:, DETAIL:], of_kinds)
    return ops.concatenate([certain[:, :DETAIL], detail], axis=1)


@keras.saving.register_keras_serializable("stylefuse")
class RestoreGenerator(keras.Model):
    """Restores degraded pictures.

    Fully connected layers recognise the kinds of degradation from the features of the whole
    picture, which are their only input. Degradations that are the same everywhere are undone by
    classical filters: how strongly depends on the probability of the degradation and on what
    further layers predict. A convolutional network adds detail and masks scratches. It is the
    transfer model's without normalisation, which would remove colour and contrast, at half the
    resolution (as in FFDNet, Zhang et al. 2018), with a skip connection (Ronneberger et al. 2015).

    A second recogniser, the detector, knows more kinds. What it does not find degraded with some
    certainty is not changed at all: the picture's detail, and each correction of its colours.

    Call: `[batch, height, width, 3]` in −1…1, sides multiples of 4, and the features
    `[batch, FEATURE_COUNT]` of the whole pictures → the pictures' shape. Bounds `[2, BOUNDED]`, the
    lowest and the highest probabilities of the kinds for the two recognisers, force some kinds and
    exclude others.

    Args:
        width: channels at full resolution.
        blocks: residual blocks at the lowest resolution.
        code: numbers that describe the degradation.
    """

    def __init__(self, width=16, blocks=3, code=64, **kwargs):
        super().__init__(**kwargs, autocast=False)  # only the layers may compute in bfloat16
        self.width, self.block_count, self.code = width, blocks, code
        w, dense = width, 2 * code
        self.recognise = _Perceptron([dense, dense], len(FREQUENT), 1.0, name="recognise")
        self.detector = _Perceptron([dense, dense], len(KINDS) + 1, 1.0, name="detector")
        self.describe = _Perceptron([dense], code, 2**0.5, name="describe")
        self.sharpen = EqualDense(1 + len(BLUR_SIGMAS), gain=FILTER_GAIN, name="sharpen")
        self.denoise = EqualDense(6 * len(BAND_SIGMAS), gain=FILTER_GAIN, name="denoise")
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
        self.heal = EqualConv2D(8, gain=1.0, name="heal")  # predicts masks of scratches

    def build(self, x_shape, features_shape):
        features = ops.zeros((1, features_shape[-1]))
        self.restore_detail(ops.zeros((1, 64, 64, 3)), features)
        self.detector(features)
        self.tone(features)
        for layer in (self.sharpen, self.denoise, self.tone.last, self.paint):
            layer.kernel.assign(ops.zeros(layer.kernel.shape))  # start by changing nothing

    def call(self, x, features, bounds=None):
        detail, logits = self.restore_detail(x, features, bounds)
        detected = ops.sigmoid(_float32(self.detector(features)))
        certain = certainty(_bounded(detected, bounds, len(FREQUENT)))
        restored = x + certain[:, DETAIL:, None, None] * (detail - x)
        recognised = _bounded(ops.sigmoid(logits), bounds, 0)
        both = certain[:, : len(FREQUENT)] * recognised  # both recognisers must agree
        return self.correct_colours(restored, features, both)

    def restore_detail(self, x, features, bounds=None):
        """The pictures with restored detail in the degraded colours, whatever the detector says.

        Returns:
            The pictures, and the logits of the `FREQUENT` kinds of degradation `[batch, kinds]`.
        """
        logits = _float32(self.recognise(features))
        probabilities = _bounded(ops.stop_gradient(ops.sigmoid(logits)), bounds, 0)
        code = _float32(activate(self.describe(features)))
        code = ops.concatenate([code, features, probabilities], axis=-1)

        thin = ops.concatenate(thin_structures(x), axis=-1)
        h = self.backbone(ops.concatenate([x, 2 * thin], axis=-1), code)
        scratched = probabilities[:, SCRATCHES : SCRATCHES + 1, None, None]
        mask = depth_to_space(_float32(self.heal(h)))
        mask = scratched * ops.sigmoid(mask + SCRATCH_MASK_LOGIT)
        light, dark = ops.split(thin, 2, axis=-1)
        scratches = mask[..., 1:] * dark - mask[..., :1] * light
        filtered = self.filter_detail(x, code, probabilities)
        return x + scratches + filtered + depth_to_space(_float32(self.paint(h))), logits

    def backbone(self, x, code):
        """`[batch, height, width, channels]` → `[batch, height/2, width/2, 3·self.width]`."""
        m2 = activate(self.enter_2(space_to_depth(x)))
        h = activate(self.enter_4(m2))
        for scale, first, second in zip(self.scales, self.first, self.second, strict=True):
            h = h + second(activate(first(h)) * _per_channel(1 + scale(code)))
        h = activate(self.up_2(upsample(h)) + m2)
        return activate(self.last(h)) * _per_channel(1 + self.scale(code))

    def filter_detail(self, x, code, probabilities):
        """The change that sharpening and denoising filters make.

        The layers that predict them have separate weights for each kind of degradation, and their
        inputs are scaled by its probability.
        """
        code = ops.concatenate([code, ops.ones_like(code[:, :1])], axis=-1)
        per_kind = ops.stack(
            [probabilities[:, kind : kind + 1] * code for kind in DETAIL_KINDS], axis=1
        )
        per_kind = ops.reshape(per_kind, (-1, len(DETAIL_KINDS) * code.shape[-1]))
        bands = detail_bands(to_opponent(x))
        start = np.array([NO_BLUR_LOGIT] + [0.0] * len(BLUR_SIGMAS), np.float32)
        shares = ops.softmax(_float32(self.sharpen(per_kind)) + start)[:, 1:]
        logs = ops.reshape(_float32(self.denoise(per_kind)), (-1, 2, 3, len(BAND_SIGMAS)))
        thresholds = ops.exp(LOG_THRESHOLD + logs[:, 0])
        gains = ops.exp(ops.minimum(logs[:, 1], MAX_LOG_GAIN))
        return from_opponent(sharpen(bands, shares) + denoise(bands, thresholds, gains))

    def correct_colours(self, x, features, certain):
        """Remove a tint with a colour matrix, then undo fading.

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
        faded = certain[:, FADING : FADING + 1]
        return x + _per_channel(faded) * (unfade(x, features, change) - x)

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "blocks": self.block_count,
            "code": self.code,
        }


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


def _bounded(probabilities, bounds, first):
    """Probabilities within their bounds, which begin at `first`; None leaves them as they are."""
    if bounds is None:
        return probabilities
    low, high = bounds[:, first : first + probabilities.shape[-1]]
    return ops.clip(probabilities, low, high)


def _float32(x):
    """Colours are computed in float32, whatever the layers compute in."""
    return ops.cast(x, "float32")


def _per_channel(x):
    """`[batch, n]` → `[batch, 1, 1, n]`."""
    return x[:, None, None, :]
