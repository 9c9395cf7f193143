"""Transfer and fusion of Pillow pictures: what the command line and the server share."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from stylefuse.errors import UserError
from stylefuse.images.open import flatten
from stylefuse.images.resize import fit, scaled, with_alpha_of
from stylefuse.inference import poisson
from stylefuse.inference.colour_preservation import preserve_colour
from stylefuse.inference.fusion_masks import content_mask, style_regions
from stylefuse.inference.options import SAME, FusionOptions, TransferOptions, TransferRequestOptions
from stylefuse.inference.stylizer import Stylizer

STYLE_SIDE = 256  # the shorter side at which training and judging show a style
STYLE_ASPECT = 4  # a longer strip is scaled down further, or it would fill the memory
COLOUR_WEIGHT = 10.0  # how strongly a seamless fusion keeps both sides' colours


def make_predictor(generator: Any, max_side: int) -> "TransferPredictor":
    """See `TransferPredictor`."""
    return TransferPredictor(generator, max_side)


class TransferPredictor:
    """Paints pictures in the style of others, and fuses two.

    Args:
        generator: a `TransferGenerator`.
        max_side: bounds what is painted.
    """

    def __init__(self, generator: Any, max_side: int):
        self.stylizer = Stylizer(generator)
        self.max_side = max_side

    def paint(self, pictures: dict[str, Any], options: TransferRequestOptions) -> Image.Image:
        """Paint the picture "content" in the style of the pictures "style"; or, where there is a
        picture "other", fuse the two, each in its own style or both in that of "style".

        Raises:
            UserError: there is neither a style nor another picture; or weights, mask and mode do
                not fit what there is.
        """
        styles = pictures.get("style", [])
        styles = [styles] if isinstance(styles, Image.Image) else styles
        if options.style_weights and len(options.style_weights) != len(styles):
            raise UserError(
                f"style_weights holds {len(options.style_weights)} numbers for {len(styles)} "
                "styles; give one for each"
            )
        code = self.style_code(styles, options.style_weights) if styles else None
        content, other, mask = pictures["content"], pictures.get("other"), pictures.get("mask")
        if other is not None:
            return self.fuse(content, other, options, mask, code)
        if mask is not None:
            raise UserError("a mask says where another picture shows; send the column other, too")
        if code is None:
            raise UserError("style is missing; send one picture, a list of them, or other to fuse")
        return self.transfer(content, code, options)

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
        weights = list(weights or [1.0] * len(styles))
        wrong = [weight for weight in weights if not (math.isfinite(weight) and weight > 0)]
        if wrong:
            raise UserError(f"a style's weight must be a positive number, not {wrong[0]}")
        codes = self.stylizer.style_code([np.asarray(_style_size(flatten(s))) for s in styles])
        return np.average(codes, axis=0, weights=weights).astype(np.float32)

    def transfer(
        self, content: Image.Image, code: np.ndarray, options: TransferOptions
    ) -> Image.Image:
        """Paint one picture in the style that `style_code` found.

        Args:
            content: "RGB", or "RGBA", whose transparency the result keeps.
            code: float32 `[6 + code]`.
            options: see `TransferOptions`.

        Returns:
            A picture of the content's mode. Its longer side is `options.size`, or the content's
            own, scaled down to `max_side` where it is longer.

        Raises:
            UserError: `options.size` is more than `max_side`.
        """
        if options.size > self.max_side:
            raise UserError(f"size {options.size} is more than the {self.max_side} pixels allowed")
        if options.size:
            content = scaled(content, options.size / max(content.size))
        content = fit(content, self.max_side)
        flat = flatten(content)
        painted = Image.fromarray(self.stylizer.render(np.asarray(flat), code, options.strength))
        return with_alpha_of(content, preserve_colour(painted, flat, options.preserve_color))

    def fuse(
        self,
        a: Image.Image,
        b: Image.Image,
        options: FusionOptions,
        mask: Image.Image | None = None,
        style: np.ndarray | None = None,
    ) -> Image.Image:
        """Fuse two pictures.

        Args:
            a: gives the size.
            b: scaled and cropped to it.
            options: the dials.
            mask: white where A shows, for the mode "mask"; scaled to A's size.
            style: a code to be painted in instead of A's and B's own.

        Returns:
            An "RGB" picture of A's size, scaled down where it was too large.
        """
        first = fit(flatten(a), self.max_side)
        second = ImageOps.fit(flatten(b), first.size, Image.Resampling.LANCZOS)
        given = None
        if mask is not None:
            shape = mask.convert("L").resize(first.size, Image.Resampling.BILINEAR)
            given = np.asarray(shape, np.float32) / 255
        light = [np.asarray(p.convert("L"), np.float32) for p in (first, second)]
        where = content_mask(light[0], light[1], options, given)

        own = [self.style_code([a]), self.style_code([b])] if style is None else [style, style]
        contents = [np.asarray(first), np.asarray(second)]
        detail = options.detail_balance
        detail = options.style_balance if detail == SAME else detail
        if options.style_by_region:
            regions = style_regions(where, options.style_balance)
            codes, fine = own, own
        else:
            regions = None
            codes = [_lerp(own, options.style_balance)]
            fine = [_lerp(own, detail)]
        if not options.seamless:
            return Image.fromarray(self.stylizer.fuse(contents, codes, fine, where, regions))
        whole = [self.stylizer.fuse([c], codes, fine, None, regions) for c in contents]
        return Image.fromarray(poisson.blend(whole[0], whole[1], where, COLOUR_WEIGHT))


def _lerp(codes: Sequence[np.ndarray], balance: float) -> np.ndarray:
    return balance * codes[0] + (1 - balance) * codes[1]


def _style_size(style: Image.Image) -> Image.Image:
    shorter, longer = sorted(style.size)
    return scaled(style, min(STYLE_SIDE / shorter, STYLE_ASPECT * STYLE_SIDE / longer))
