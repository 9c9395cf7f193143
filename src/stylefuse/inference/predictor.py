"""The base class of predictors, which run trained generators on Pillow pictures of any size."""

from typing import Any

import numpy as np
from PIL import Image

from stylefuse.images.arrays import pad, to_float, to_uint8
from stylefuse.images.open import flatten
from stylefuse.images.resize import copy_alpha, limit_side
from stylefuse.inference.compilation import compile_for_inference


class Predictor:
    """Paints one picture from another; models with more inputs or options override `paint`.

    Args:
        generator: a Keras model, `[batch, height, width, 3]` in −1…1 → the same.
        max_side: pixels; a larger picture is scaled down before it is painted.
    """

    def __init__(self, generator: Any, max_side: int):
        self.generator, self.max_side = generator, max_side
        self._call = compile_for_inference(lambda x: generator(x))

    def paint(self, inputs: dict[str, Any], options: Any) -> Image.Image:
        """Paint a picture.

        Args:
            inputs: by the names in the task's `inputs`; a picture is "RGB" or "RGBA".
            options: an instance of the task's `options`.

        Returns:
            A picture of the first input's mode and size, scaled down if its longer side was more
            than `max_side`.
        """
        (picture,) = (limit_side(p, self.max_side) for p in inputs.values())
        painted = Image.fromarray(self.render(np.asarray(flatten(picture))))
        return copy_alpha(picture, painted)

    def render(self, picture: np.ndarray) -> np.ndarray:
        """Paint an array: uint8 `[height, width, 3]` → uint8 of the same shape."""
        height, width = picture.shape[:2]
        return to_uint8(self._call(to_float(pad(picture)[None]))[0])[:height, :width]
