"""Networks of the transfer model: one generator for any content and style, one discriminator.

Content is encoded as four maps at strides 1, 1, 2 and 4, which can be mixed by a mask. Style is
encoded as a code `[batch, 6 + code]`: mean and deviation of the three opponent colours, then
learned numbers. Codes can be mixed by weights.

The names of attributes and layers are part of saved weights; do not change them.
"""

import keras
from keras import ops

from stylefuse.models.layers.colour import from_opponent, to_opponent
from stylefuse.models.layers.convolution import EqualConv2D, EqualDense, activate
from stylefuse.models.layers.normalization import (
    AdaptiveInstanceNorm,
    instance_norm,
    moments,
    record_moments,
    replay_moments,
)
from stylefuse.models.layers.resampling import (
    box_blur,
    broadcast_styles,
    downsample,
    upsample,
)
from stylefuse.models.layers.residual import StyledResidual

STRIDES = (1, 1, 2, 4)  # of the content maps


def build_generator(width, blocks, code):
    """A `TransferGenerator` with initial weights."""
    generator = TransferGenerator(width, blocks, code, name="generator")
    picture = keras.KerasTensor((1, 64, 64, 3))
    generator(picture, picture)
    return generator


def build_discriminator(settings):
    """A `PairDiscriminator` with initial weights, of `settings.discriminator_width`."""
    discriminator = PairDiscriminator(settings.discriminator_width, name="discriminator")
    picture = keras.KerasTensor((1, 64, 64, 3))
    discriminator(picture, discriminator.features(picture))
    return discriminator


@keras.saving.register_keras_serializable("stylefuse")
class TransferGenerator(keras.Model):
    """Paints a content picture in the style that a code describes.

    The content encoder normalises its maps at every scale, so that colour and contrast can only
    come from the code. The output is the blurred content with the style's colour moments, plus the
    detail that the decoder adds: the palette is right from the first step, and the network is
    trained on detail alone.

    Call: content and style pictures `[batch, height, width, 3]` in −1…1 → pictures of the content's
    shape.

    Args:
        width: channels at full resolution.
        blocks: styled residual blocks at the lowest resolution.
        code: learned numbers in a style code.
    """

    record_moments = staticmethod(record_moments)
    replay_moments = staticmethod(replay_moments)

    def __init__(self, width=16, blocks=3, code=64, **kwargs):
        super().__init__(**kwargs, autocast=False)  # only the layers may compute in bfloat16
        self.width, self.block_count, self.code = width, blocks, code
        w = width
        self.content_convs = [
            EqualConv2D(w, name="content_1"),
            EqualConv2D(2 * w, 4, 2, name="content_2"),
            EqualConv2D(4 * w, 4, 2, name="content_4"),
        ]
        self.style_convs = [
            EqualConv2D(w, 4, 2, name="style_2"),
            EqualConv2D(2 * w, 4, 2, name="style_4"),
            EqualConv2D(4 * w, 4, 2, name="style_8"),
            EqualConv2D(6 * w, 4, 2, name="style_16"),
        ]
        self.style_out = EqualDense(code, name="style_out")
        self.blocks = [StyledResidual(4 * w, name=f"block_{i}") for i in range(blocks)]
        self.up_2, self.up_1 = EqualConv2D(2 * w, name="up_2"), EqualConv2D(w, name="up_1")
        self.skip_2 = EqualConv2D(2 * w, 1, name="skip_2")
        self.skip_1 = EqualConv2D(w, 1, name="skip_1")
        self.norm_2, self.norm_1 = AdaptiveInstanceNorm(name="n2"), AdaptiveInstanceNorm(name="n1")
        self.last, self.last_norm = EqualConv2D(w, name="last"), AdaptiveInstanceNorm(name="n0")
        self.paint = EqualConv2D(3, gain=1.0, name="paint")

    def encode_content(self, x):
        """Encode the content of pictures.

        Args:
            x: `[batch, height, width, 3]` in −1…1, sides are multiples of 4.

        Returns:
            Four maps: the blurred opponent colours at stride 1, and features at strides 1, 2 and 4.
        """
        content = [box_blur(instance_norm(to_opponent(x)))]
        h = x
        for conv in self.content_convs:
            h = activate(instance_norm(conv(h)))
            content.append(h)
        return content

    @staticmethod
    def mix_content(a, b, mask):
        """Mix two contents by a mask.

        Where the mask is between 0 and 1 the maps are averaged, and both scenes show through each
        other. Masks should be 0 or 1 nearly everywhere.

        Args:
            a: content maps, see `encode_content`.
            b: the same.
            mask: `[batch, height, width, 1]`: 1 takes `a`, 0 takes `b`.

        Returns:
            Content maps.
        """
        shares = [downsample(mask, stride) for stride in STRIDES]
        return [m * x + (1 - m) * y for m, x, y in zip(shares, a, b, strict=True)]

    def encode_style(self, x):
        """Encode the style of pictures `[batch, height, width, 3]` as codes `[batch, 6 + code]`."""
        mean, deviation = moments(to_opponent(x))
        h = x
        for conv in self.style_convs:
            h = activate(conv(h))
        learned = ops.cast(self.style_out(ops.mean(h, axis=(1, 2))), "float32")
        return ops.concatenate([mean[:, 0, 0], deviation[:, 0, 0], learned], axis=-1)

    def decode(self, content, code, regions=None, fine=None):
        """Paint content in a style.

        Args:
            content: content maps, see `encode_content`.
            code: style codes `[batch, 6 + code]`, or `[batch, styles, 6 + code]` with `regions`.
            regions: the share of each style at each position, `[batch, height, width, styles]`.
            fine: codes of the same shape for the layers at strides 2 and 1, which determine the
                brush strokes, while `code` determines palette and shapes.

        Returns:
            Pictures `[batch, height, width, 3]`.
        """
        fine = code if fine is None else fine
        at_2, at_4 = (None if regions is None else downsample(regions, k) for k in (2, 4))
        blurred, m1, m2, h = content
        for block in self.blocks:
            h = block(h, code, at_4)
        h = activate(self.norm_2(self.up_2(upsample(h)) + self.skip_2(m2), fine, at_2))
        h = activate(self.norm_1(self.up_1(upsample(h)) + self.skip_1(m1), fine, regions))
        h = activate(self.last_norm(self.last(h), fine, regions))
        palette = broadcast_styles(code[..., :6], regions)
        mean, deviation = palette[..., :3], palette[..., 3:]
        painted = ops.cast(self.paint(h), "float32")
        return from_opponent((blurred + painted) * deviation + mean)

    def call(self, content, style):
        return self.decode(self.encode_content(content), self.encode_style(style))

    def get_config(self):
        return {
            **super().get_config(),
            "width": self.width,
            "blocks": self.block_count,
            "code": self.code,
        }


@keras.saving.register_keras_serializable("stylefuse")
class PairDiscriminator(keras.Model):
    """Classifies each patch of a picture as real or fake, given a reference of the same painting.

    It is conditioned on the reference's pooled features by projection (Miyato & Koyama 2018,
    eq. 3), which ties texture to the reference as the co-occurrence discriminator of Park et al.
    2020 does.

    Call: pictures `[batch, height, width, 3]` and reference features (see `features`)
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
        self.head = EqualConv2D(4 * width, padding="same", name="head")
        self.real = EqualConv2D(1, 1, gain=1.0, name="real")
        self.patch = EqualDense(128, name="patch")
        self.reference = EqualDense(128, name="reference")

    def maps(self, x):
        """Features of the patches of pictures, `[batch, height/8, width/8, 4·width]`."""
        for conv in self.trunk:
            x = activate(conv(x))
        return x

    def features(self, x):
        """Pooled features of reference pictures, `[batch, 4·width]`."""
        return ops.mean(self.maps(x), axis=(1, 2))

    def logits(self, maps, reference):
        """Logits of patches from `maps` of pictures and `features` of their references."""
        projection = ops.einsum("bhwc,bc->bhw", self.patch(maps), self.reference(reference))
        return self.real(activate(self.head(maps)))[..., 0] + projection / 128**0.5

    def call(self, x, reference):
        return self.logits(self.maps(x), reference)

    def get_config(self):
        return {**super().get_config(), "width": self.width}
