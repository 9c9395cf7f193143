"""What the server and the command line share: a content picture, painted in the style of others."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from stylefuse.config import Serve
from stylefuse.data.pictures import flatten
from stylefuse.errors import UserError
from stylefuse.models.stylizer import Stylizer

STYLE_SIDE = 256  # the shorter side at which training and judging show a style
STYLE_ASPECT = 4  # a longer strip is scaled down further, or it would fill the memory


@dataclass(frozen=True)
class PaintOptions:
    """How to paint.

    Args:
        strength: 0 keeps the content's own style, 1 takes the other's.
        preserve_color: keep the content's colours, take the painting's light and shade only.
        size: longer side of the output in pixels; 0 keeps the content's own.

    Raises:
        UserError: a value is out of its range.
    """

    strength: float = 1.0
    preserve_color: bool = False
    size: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise UserError(f"strength must be a number from 0 to 1, not {self.strength}")
        if self.size < 0:
            raise UserError(f"size must be a number of pixels, or 0, not {self.size}")


class Painter:
    """A trained model that paints Pillow pictures.

    Args:
        folder: what `models.stylizer.save_generator` wrote.
        limits: `max_side` bounds what is painted.

    Raises:
        UserError: the model is missing or damaged.
    """

    def __init__(self, folder: Path, limits: Serve):
        self.limits = limits
        self.stylizer = Stylizer(folder)

    def style_code(
        self, styles: Sequence[Image.Image], weights: Sequence[float] | None = None
    ) -> np.ndarray:
        """The style of one picture, or a mix of several.

        Args:
            styles: pictures of any size.
            weights: how much each counts; only their ratios matter. Equal when left out.

        Returns:
            float32 `[6 + code]`

        Raises:
            UserError: a weight is not positive and finite.
        """
        weights = weights or [1.0] * len(styles)
        wrong = [weight for weight in weights if not (math.isfinite(weight) and weight > 0)]
        if wrong:
            raise UserError(f"a style's weight must be a positive number, not {wrong[0]}")
        codes = self.stylizer.style_code([np.asarray(_style_size(flatten(s))) for s in styles])
        return np.average(codes, axis=0, weights=weights).astype(np.float32)

    def paint(
        self, content: Image.Image, code: np.ndarray, options: PaintOptions | None = None
    ) -> Image.Image:
        """Paint one picture in the style that `style_code` found.

        Args:
            content: "RGB", or "RGBA", whose transparency the result keeps.
            code: float32 `[6 + code]`.
            options: the defaults of `PaintOptions` when left out.

        Returns:
            A picture of the content's mode. Its longer side is `options.size`, or the content's
            own, scaled down to `max_side` where it is longer.

        Raises:
            UserError: `options.size` is more than `max_side`.
        """
        options = options or PaintOptions()
        content = content.resize(self._output_size(content, options), Image.Resampling.LANCZOS)
        flat = flatten(content)
        painted = Image.fromarray(self.stylizer.render(np.asarray(flat), code, options.strength))
        if options.preserve_color:
            light = painted.convert("YCbCr").getchannel(0)
            chroma = flat.convert("YCbCr").split()[1:]
            painted = Image.merge("YCbCr", (light, *chroma)).convert("RGB")
        if content.mode == "RGBA":
            painted.putalpha(content.getchannel("A"))
        return painted

    def _output_size(self, content: Image.Image, options: PaintOptions) -> tuple[int, int]:
        most = self.limits.max_side
        if options.size > most:
            raise UserError(f"size {options.size} is more than the {most} pixels allowed")
        return _scaled(content, (options.size or min(max(content.size), most)) / max(content.size))


def _style_size(style: Image.Image) -> Image.Image:
    shorter, longer = sorted(style.size)
    scale = min(STYLE_SIDE / shorter, STYLE_ASPECT * STYLE_SIDE / longer)
    return style.resize(_scaled(style, scale), Image.Resampling.LANCZOS)


def _scaled(picture: Image.Image, scale: float) -> tuple[int, int]:
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return width, height
