"""Restoration of pictures of any size."""

from typing import Any, ClassVar

import numpy as np
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.arrays import pad
from stylefuse.images.open import flatten
from stylefuse.images.resize import copy_alpha, limit_side
from stylefuse.inference import tiles
from stylefuse.inference.degradation_features import degradation_features
from stylefuse.inference.degradation_switches import probability_bounds
from stylefuse.inference.enlarger import LUMINANCE, enlarge
from stylefuse.inference.hole_filling import fill_holes
from stylefuse.inference.model_folder import ModelFolder
from stylefuse.inference.options import RestoreOptions
from stylefuse.inference.predictor import Predictor

MAX_ROUNDING = 2  # levels by which the channels of a grey JPEG differ
# Share of pixels that equal their neighbours. In degraded validation photographs it is up to 0.45,
# and 0.65 after JPEG of quality 10; in screenshots, charts and pages of text it is above that.
MAX_FLAT = 0.65
BLACK = 0, 0, 0
DEFAULTS = RestoreOptions()


class RestorePredictor(Predictor):
    """Restores pictures; see `Predictor`.

    A large picture is restored in tiles, all with the degradation features of the whole picture.
    The tiles' margins cover the generator's receptive field, so that there are no seams.
    """

    name = "restore"
    optional_inputs: ClassVar = {"mask": Image.Image}
    options: ClassVar[type[RestoreOptions]] = RestoreOptions

    def __init__(self, model: ModelFolder, max_side: int | None = None):
        super().__init__(model, max_side)
        self._restore = model.graph("restorer")

    def paint(self, inputs: dict[str, Any], options: RestoreOptions) -> Image.Image:
        """Restore the input "picture" and blend the result with it by `options.strength`; the kinds
        in `options.only` and `options.keep` are mended for certain, or not at all.

        The result is enlarged by `options.scale`.

        With a "mask", only what is white there is changed: it is filled from its surroundings, then
        restored. A mask is scaled to the picture's size.

        Raises:
            UserError: the enlarged picture would be larger than `max_side`; see also `render`.
        """
        picture = limit_side(inputs["picture"], self.max_side)
        self._refuse_oversized(picture.size, options.scale)
        opaque, mask = flatten(picture), inputs.get("mask")
        if mask is None:
            restored = Image.fromarray(self.render(np.asarray(opaque), options))
        else:
            where = flatten(mask, BLACK).convert("L").resize(opaque.size, Image.Resampling.BILINEAR)
            hole = np.asarray(where, np.float32) / 255
            filled = self.render(fill_holes(np.asarray(opaque), hole), options)
            restored = Image.composite(Image.fromarray(filled), opaque, where)
        blended = np.asarray(Image.blend(opaque, restored, options.strength))
        enlarged = Image.fromarray(enlarge(blended, options.scale))
        return copy_alpha(picture.resize(enlarged.size), enlarged)

    def render(self, picture: np.ndarray, options: RestoreOptions = DEFAULTS) -> np.ndarray:
        """Restore an array: uint8 `[height, width, 3]` → uint8 of the same shape; see `paint`.

        A grey picture stays grey, and one of a single colour as it is: nothing in them tells which
        colours were lost. What a computer drew stays as it is, too, unless `options.only` names
        what to mend.

        Raises:
            UserError: the model is of a version that cannot choose kinds.
        """
        has_one_colour = np.ptp(picture, axis=(0, 1)).max() <= MAX_ROUNDING
        if has_one_colour or (not options.only and _flat_share(picture) > MAX_FLAT):
            return picture
        restored = self._restored(picture, self._bounds(options))
        if np.ptp(picture, axis=-1).max() <= MAX_ROUNDING:
            restored[:] = np.rint(restored @ LUMINANCE)[..., None]
        return restored

    def _refuse_oversized(self, size: tuple[int, int], scale: int) -> None:
        if scale > 1 and self.max_side and scale * max(size) > self.max_side:
            width, height = size
            raise UserError(
                f"a picture of {width}×{height} pixels, enlarged {scale} times, would have more "
                f"than {self.max_side} pixels along a side; send a smaller one, or less scale",
                code="output-too-large",
            )

    def _bounds(self, options: RestoreOptions) -> dict[str, np.ndarray]:
        """The graph's input that forces and excludes kinds, if the options name any."""
        if not (options.only or options.keep):
            return {}
        if not self._restore.takes("bounds"):
            raise UserError(
                f"{self.model.path} is of a version that cannot choose kinds of damage; "
                "leave out only and keep, or use a newer version",
                code="switches-missing",
            )
        return {"bounds": probability_bounds(options.only, options.keep)}

    def _restored(self, picture: np.ndarray, bounds: dict[str, np.ndarray]) -> np.ndarray:
        height, width = picture.shape[:2]
        padded = pad(picture)
        features = degradation_features(padded)[None]
        restored = np.empty_like(padded[None])
        for tile, inner in tiles.cover(*padded.shape[:2]):
            crop = np.ascontiguousarray(padded[None][tile])
            painted = self._restore(picture=crop, features=features, **bounds)["restored"]
            restored[tile][inner] = painted[inner]
        return restored[0, :height, :width]


def _flat_share(picture: np.ndarray) -> float:
    """The share of squares of 2×2 pixels of exactly one colour."""
    corner = picture[:-1, :-1]
    others = picture[1:, :-1], picture[:-1, 1:], picture[1:, 1:]
    same = np.logical_and.reduce([(corner == other).all(axis=-1) for other in others])
    return float(same.mean()) if same.size else 0.0


PREDICTOR = RestorePredictor
