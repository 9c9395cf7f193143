"""Networks of the healer: a U-shaped generator, and a discriminator of patches.

Pictures are `[batch, side, side, 3]` in −1…1, with a face of `FACE_WIDTH` pixels in their middle.
The names of attributes and layers are part of saved weights.
"""

import keras
from keras import ops

from stylefuse.models.layers.convolution import EqualConv2D, activate
from stylefuse.models.layers.resampling import upsample
from stylefuse.models.layers.residual import Residual

INPUTS = 7  # composite, mask, eyes, brows, lips
MIDDLE = 3  # blocks at the smallest size


@keras.saving.register_keras_serializable("stylefuse")
class HealerGenerator(keras.Model):
    """A U-shaped network that adds to a composite inside its mask (after Ronneberger et al. 2015).

    The last layer begins at zero, so that an untrained healer changes nothing.

    Call: composite, mask and maps of features, `[batch, side, side, 7]`, the composite in −1…1 and
    the others in 0…1; side a multiple of 8 → healed pictures `[batch, side, side, 3]`.

    Args:
        width: channels at half the size.
    """

    def __init__(self, width=16, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        widths = width, 2 * width, 4 * width
        self.down = [EqualConv2D(n, 4, 2, "same", name=f"down_{n}") for n in widths]
        self.left = [Residual(n, "same", name=f"left_{n}") for n in widths[:2]]
        self.middle = [Residual(widths[2], "same", name=f"middle_{i}") for i in range(MIDDLE)]
        self.up = [EqualConv2D(n, padding="same", name=f"up_{n}") for n in widths[1::-1]]
        self.right = [Residual(n, "same", name=f"right_{n}") for n in widths[1::-1]]
        self.to_rgb = EqualConv2D(12, padding="same", gain=1.0, name="to_rgb")

    def build(self, inputs_shape):
        self.call(keras.KerasTensor(inputs_shape))
        self.to_rgb.kernel.assign(ops.zeros(self.to_rgb.kernel.shape))

    def call(self, inputs):
        h, skips = inputs, []
        for down, block in zip(self.down[:2], self.left, strict=True):
            h = block(activate(down(h)))
            skips.append(h)
        h = activate(self.down[2](h))
        for block in self.middle:
            h = block(h)
        for up, block, skip in zip(self.up, self.right, skips[::-1], strict=True):
            h = block(activate(up(upsample(h))) + skip)
        change = depth_to_space(ops.cast(self.to_rgb(h), "float32"))
        return inputs[..., :3] + inputs[..., 3:4] * change

    def get_config(self):
        return {**super().get_config(), "width": self.width}


@keras.saving.register_keras_serializable("stylefuse")
class PatchDiscriminator(keras.Model):
    """A discriminator of patches of 38 pixels (after Isola et al. 2017, section 3.2.2).

    Call: pictures → logits `[batch, side/8, side/8, 1]`.

    Args:
        width: channels at half the size.
    """

    def __init__(self, width=24, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.down = [EqualConv2D(n * width, 4, 2, "same", name=f"down_{n}") for n in (1, 2, 4)]
        self.last = EqualConv2D(1, padding="same", gain=1.0, name="last")

    def call(self, pictures):
        h = pictures
        for down in self.down:
            h = activate(down(h))
        return self.last(h)

    def get_config(self):
        return {**super().get_config(), "width": self.width}


def depth_to_space(x):
    """`[batch, height, width, 12]` → `[batch, 2·height, 2·width, 3]` (Shi et al. 2016)."""
    _, height, width, _ = x.shape
    h = ops.reshape(x, (-1, height, width, 2, 2, 3))
    h = ops.transpose(h, (0, 1, 3, 2, 4, 5))
    return ops.reshape(h, (-1, 2 * height, 2 * width, 3))
