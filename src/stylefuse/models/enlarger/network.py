"""A convolutional network that doubles the size of pictures.

As in ESPCN (Shi et al. 2016), all layers work at the small size, and the last one's channels are
the pixels of the large picture. What they add to bicubic interpolation begins at zero.
"""

import keras
import numpy as np
from keras import ops

from stylefuse.models.layers.convolution import activate
from stylefuse.models.restore.networks import depth_to_space

SCALE = 2
WIDTH, DEPTH = 32, 5  # channels; 3×3 convolutions between the first layer and the last
MARGIN = 2 + DEPTH + 1  # pixels that the layers consume on each side
BICUBIC_MARGIN = 2
CUBIC = -0.5  # the free parameter of cubic convolution (Keys 1981), as in Pillow


@keras.saving.register_keras_serializable("stylefuse")
class Enlarger(keras.Model):
    """Doubles the size of pictures.

    Call: `[batch, height + 2·MARGIN, width + 2·MARGIN, 3]` in −1…1 →
    `[batch, 2·height, 2·width, 3]`, the enlarged pictures without their margins.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        convolution = keras.layers.Conv2D
        he = {"kernel_initializer": "he_normal"}
        self.first = convolution(WIDTH, 5, name="first", **he)
        self.middle = [convolution(WIDTH, 3, name=f"middle_{i}", **he) for i in range(DEPTH)]
        self.last = convolution(3 * SCALE**2, 3, kernel_initializer="zeros", name="last")

    def call(self, x):
        h = activate(self.first(x))
        for layer in self.middle:
            h = activate(layer(h))
        cut = MARGIN - BICUBIC_MARGIN
        bicubic = ops.conv(x[:, cut:-cut, cut:-cut], bicubic_kernel(), padding="valid")
        return depth_to_space(bicubic + self.last(h))


def bicubic_kernel() -> np.ndarray:
    """Bicubic interpolation to twice the size, as a convolution before `depth_to_space`: float32
    `[5, 5, 3, 12]`."""
    taps = np.arange(-BICUBIC_MARGIN, BICUBIC_MARGIN + 1)
    phases = np.array([_cubic(taps - place) for place in (-0.25, 0.25)])
    kernel = np.einsum("ay,bx,cd->yxcabd", phases, phases, np.eye(3))
    return kernel.reshape(5, 5, 3, 3 * SCALE**2).astype(np.float32)


def _cubic(distance: np.ndarray) -> np.ndarray:
    """The kernel of cubic convolution (Keys 1981)."""
    x, a = np.abs(distance), CUBIC
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0))
