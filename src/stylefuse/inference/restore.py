"""Restoration of Pillow pictures: what the command line and the server share."""

from typing import Any

import numpy as np
from PIL import Image

from stylefuse.cancellation import check_cancelled
from stylefuse.images.arrays import pad, to_float, to_levels
from stylefuse.images.open import flatten
from stylefuse.images.resize import fit, with_alpha_of
from stylefuse.inference import tiles
from stylefuse.inference.compilation import compiled
from stylefuse.inference.degradation_features import degradation_features
from stylefuse.inference.options import RestoreOptions
from stylefuse.inference.predictor import Predictor


def make_predictor(generator: Any, max_side: int) -> "RestorePredictor":
    """See `RestorePredictor`."""
    return RestorePredictor(generator, max_side)


class RestorePredictor(Predictor):
    """Restores pictures; see `Predictor`.

    A large one is restored in tiles by what was measured of the whole, and none shows a seam, since
    every tile sees all that its pixels depend on.
    """

    def __init__(self, generator: Any, max_side: int):
        super().__init__(generator, max_side)
        self._call = compiled(lambda x, measured: generator(x, measured))

    def paint(self, pictures: dict[str, Image.Image], options: RestoreOptions) -> Image.Image:
        """Restore the picture "picture", as far as `options.strength` says."""
        picture = fit(pictures["picture"], self.max_side)
        flat = flatten(picture)
        restored = Image.fromarray(self.render(np.asarray(flat)))
        return with_alpha_of(picture, Image.blend(flat, restored, options.strength))

    def render(self, picture: np.ndarray) -> np.ndarray:
        height, width = picture.shape[:2]
        padded = pad(picture)
        measured = degradation_features(padded)[None]
        paint = self._in_tiles if tiles.needed(*padded.shape[:2]) else self._call
        return to_levels(paint(to_float(padded[None]), measured)[0])[:height, :width]

    def _in_tiles(self, x: np.ndarray, measured: np.ndarray) -> np.ndarray:
        restored = np.empty_like(x)
        for whole, inner in tiles.cover(*x.shape[1:3]):
            check_cancelled()
            restored[whole][inner] = self._call(x[whole], measured)[inner]
        return restored
