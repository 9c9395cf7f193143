"""A trained generator that paints Pillow pictures of any size: the part that all models share."""

from typing import Any

import numpy as np
from PIL import Image

from stylefuse.images.arrays import pad, to_float, to_levels
from stylefuse.images.open import flatten
from stylefuse.images.resize import fit, with_alpha_of
from stylefuse.inference.compilation import compiled


class Predictor:
    """Paints one picture from another; models with more inputs or dials override `paint`.

    Args:
        generator: a Keras model, `[batch, height, width, 3]` in −1…1 → the same.
        max_side: a larger picture is scaled down to this before it is painted.
    """

    def __init__(self, generator: Any, max_side: int):
        self.generator, self.max_side = generator, max_side
        self._call = compiled(lambda x: generator(x))

    def paint(self, inputs: dict[str, Any], options: Any) -> Image.Image:
        """Paint.

        Args:
            inputs: by the names in the task's `inputs`; a picture is "RGB" or "RGBA".
            options: the task's options.

        Returns:
            A picture of the first input's mode and size, scaled down where it was too large.
        """
        (picture,) = (fit(p, self.max_side) for p in inputs.values())
        painted = Image.fromarray(self.render(np.asarray(flatten(picture))))
        return with_alpha_of(picture, painted)

    def render(self, picture: np.ndarray) -> np.ndarray:
        """uint8 `[height, width, 3]` → the same shape, painted."""
        height, width = picture.shape[:2]
        return to_levels(self._call(to_float(pad(picture)[None]))[0])[:height, :width]
