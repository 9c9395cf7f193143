"""Restoration of pictures of any size."""

from typing import Any

import numpy as np
from PIL import Image

from stylefuse.images.arrays import pad, to_float, to_uint8
from stylefuse.images.open import flatten
from stylefuse.images.resize import copy_alpha, limit_side
from stylefuse.inference import tiles
from stylefuse.inference.compilation import compile_for_inference
from stylefuse.inference.degradation_features import degradation_features
from stylefuse.inference.options import RestoreOptions
from stylefuse.inference.predictor import Predictor


def make_predictor(generator: Any, max_side: int) -> "RestorePredictor":
    """See `RestorePredictor`."""
    return RestorePredictor(generator, max_side)


class RestorePredictor(Predictor):
    """Restores pictures; see `Predictor`.

    A large picture is restored in tiles, all with the degradation features of the whole picture.
    The tiles' margins cover the generator's receptive field, so that there are no seams.
    """

    def __init__(self, generator: Any, max_side: int):
        super().__init__(generator, max_side)
        self._call = compile_for_inference(lambda x, features: generator(x, features))

    def paint(self, inputs: dict[str, Image.Image], options: RestoreOptions) -> Image.Image:
        """Restore the input "picture" and blend the result with it by `options.strength`."""
        picture = limit_side(inputs["picture"], self.max_side)
        opaque = flatten(picture)
        restored = Image.fromarray(self.render(np.asarray(opaque)))
        return copy_alpha(picture, Image.blend(opaque, restored, options.strength))

    def render(self, picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape[:2]
        padded = pad(picture)
        features = degradation_features(padded)[None]
        restore = self._in_tiles if tiles.needed(*padded.shape[:2]) else self._call
        return to_uint8(restore(to_float(padded[None]), features)[0])[:height, :width]

    def _in_tiles(self, x: np.ndarray, features: np.ndarray) -> np.ndarray:
        restored = np.empty_like(x)
        for tile, inner in tiles.cover(*x.shape[1:3]):
            restored[tile][inner] = self._call(x[tile], features)[inner]
        return restored
