"""A trained generator that paints Pillow pictures of any size: the part that all models share."""

from typing import Any

import numpy as np
from PIL import Image

from stylefuse.data.pictures import flatten

STRIDE = 8  # sides are padded to multiples of this
LEAST = 32  # reflect padding inside the networks needs this many pixels


class Artist:
    """Paints one picture from another; models with more inputs or dials override `paint`.

    Args:
        generator: a Keras model, `[batch, height, width, 3]` in −1…1 → the same.
        max_side: a larger picture is scaled down to this before it is painted.
    """

    def __init__(self, generator: Any, max_side: int):
        self.generator, self.max_side = generator, max_side
        self._call = compiled(lambda x: generator(x))

    def paint(self, pictures: dict[str, Image.Image], options: Any) -> Image.Image:
        """Paint.

        Args:
            pictures: by the names in the recipe's `inputs`, "RGB" or "RGBA".
            options: the recipe's dials.

        Returns:
            A picture of the first input's mode and size, scaled down where it was too large.
        """
        (picture,) = (fit(p, self.max_side) for p in pictures.values())
        painted = Image.fromarray(self.render(np.asarray(flatten(picture))))
        return with_alpha_of(picture, painted)

    def render(self, picture: np.ndarray) -> np.ndarray:
        """uint8 `[height, width, 3]` → the same shape, painted."""
        height, width = picture.shape[:2]
        return to_levels(self._call(to_float(pad(picture)[None]))[0])[:height, :width]


def fit(picture: Image.Image, max_side: int) -> Image.Image:
    """The picture, scaled down where its longer side is more than `max_side`."""
    longer = max(picture.size)
    return picture if longer <= max_side else scaled(picture, max_side / longer)


def scaled(picture: Image.Image, scale: float) -> Image.Image:
    """The picture at another size, its sides rounded to whole pixels."""
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def with_alpha_of(original: Image.Image, painted: Image.Image) -> Image.Image:
    """The painted picture with the transparency that the original has."""
    if original.mode == "RGBA":
        painted.putalpha(original.getchannel("A"))
    return painted


def pad(picture: np.ndarray) -> np.ndarray:
    """Mirror the lower and right edges until the sides suit the networks."""
    more = [max(LEAST - n, 0) or -n % STRIDE for n in picture.shape[:2]]
    return np.pad(picture, [(0, more[0]), (0, more[1]), (0, 0)], mode="symmetric")


def to_float(pictures: np.ndarray) -> np.ndarray:
    """uint8 → float32 from −1 to 1."""
    return pictures.astype(np.float32) / 127.5 - 1


def to_levels(pictures: np.ndarray) -> np.ndarray:
    """Floats around −1…1 → uint8."""
    return np.rint(np.clip((pictures + 1) * 127.5, 0, 255)).astype(np.uint8)


def compiled(function):
    """A function of (lists of) float32 arrays, compiled for the running backend, that returns
    an array or a list of arrays."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        function = tf.function(function, reduce_retracing=True)
    elif keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)
    from keras import tree

    return lambda *inputs: tree.map_structure(np.asarray, function(*inputs))
