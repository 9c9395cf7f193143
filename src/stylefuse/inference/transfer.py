"""Style transfer and fusion of Pillow pictures of any size."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from PIL import Image, ImageOps

from stylefuse.errors import UserError
from stylefuse.images.open import flatten
from stylefuse.images.resize import copy_alpha, limit_side, rescale
from stylefuse.inference import poisson
from stylefuse.inference.colour_preservation import preserve_colour
from stylefuse.inference.detail import enlarge
from stylefuse.inference.fusion_masks import content_mask, style_regions
from stylefuse.inference.model_folder import ModelFolder
from stylefuse.inference.options import (
    SAME_AS_STYLE,
    FusionOptions,
    TransferOptions,
    TransferRequestOptions,
    painted_size,
)
from stylefuse.inference.predictor import Predictor
from stylefuse.inference.steps import PaintingStep, at_once, last_picture
from stylefuse.inference.style_file import LearnedStyle
from stylefuse.inference.style_optimizer import StyleTarget, optimized_steps
from stylefuse.inference.stylizer import Stylizer

STYLE_SIDE = 256  # pixels; the shorter side of styles in training and evaluation
MAX_STYLE_ASPECT = 4  # a longer strip is scaled down further, to bound the memory it takes
BLACK = (0, 0, 0)
SEAMLESS_COLOUR_WEIGHT = 10.0  # see `poisson.blend`


class Style(NamedTuple):
    """A style, or a mix of several.

    Attributes:
        code: float32 `[n]`, for the generator.
        target: for painting by optimisation.
    """

    code: np.ndarray
    target: StyleTarget


class TransferPredictor(Predictor):
    """Paints pictures in the style of others, and fuses two; see `Predictor`.

    A picture is painted at the size at which the model's strokes have the requested width. What is
    painted smaller than the result is enlarged with the edges of the content. At the quality
    "painted" the generator's picture is where an optimisation of its strokes begins.
    """

    name = "transfer"
    inputs: ClassVar = {"content": Image.Image, "style": Image.Image}
    optional_inputs: ClassVar = {"other": Image.Image, "mask": Image.Image}
    repeatable_inputs = ("style",)
    repeatable_side = MAX_STYLE_ASPECT * STYLE_SIDE
    options: ClassVar[type[TransferRequestOptions]] = TransferRequestOptions

    def __init__(self, model: ModelFolder, max_side: int | None = None):
        super().__init__(model, max_side)
        self.stylizer = Stylizer(model)

    def paint(self, inputs: dict[str, Any], options: TransferRequestOptions) -> Image.Image:
        """The last of `steps`."""
        return last_picture(self.steps(inputs, options))

    def steps(
        self, inputs: dict[str, Any], options: TransferRequestOptions
    ) -> Iterator[PaintingStep]:
        """Paint the picture "content" in the style of the pictures "style".

        If there is a picture "other", fuse both: each in its own style, or in that of "style".

        Args:
            inputs: "content", and "style" (one picture or a list), "other" and "mask" as needed.
            options: of the transfer and of the fusion.

        Raises:
            UserError: there is neither a style nor another picture; or weights, mask and mode do
                not fit the pictures.
        """
        styles = inputs.get("style", [])
        styles = styles if isinstance(styles, list | tuple) else [styles]
        if options.style_weights and len(options.style_weights) != len(styles):
            raise UserError(
                f"style_weights holds {len(options.style_weights)} numbers for {len(styles)} "
                "styles; give one for each",
                code="style-weight-invalid",
            )
        style = self.style(styles, options.style_weights) if styles else None
        content, other, mask = inputs["content"], inputs.get("other"), inputs.get("mask")
        if other is not None:
            return self.fuse_steps(content, other, options, mask, style)
        if mask is not None:
            raise UserError(
                "a mask needs a second picture; send it as other, too", code="mask-unexpected"
            )
        if style is None:
            raise UserError(
                "style is missing; send one picture, a list of them, or other to fuse",
                code="style-missing",
            )
        return self.transfer_steps(content, style, options)

    def style(
        self,
        styles: Sequence[Image.Image | LearnedStyle],
        weights: Sequence[float] | None = None,
    ) -> Style:
        """One style, or a mix of several.

        Args:
            styles: pictures of any size, and learned styles. One that was learned for another
                network is read from its pictures.
            weights: of the styles; only their ratios matter. Equal by default.

        Raises:
            UserError: a weight is not positive and finite.
        """
        weights = list(weights or [1.0] * len(styles))
        invalid = [weight for weight in weights if not (math.isfinite(weight) and weight > 0)]
        if invalid:
            raise UserError(
                f"a style's weight must be a positive number, not {invalid[0]}",
                code="style-weight-invalid",
            )
        weights = [weight / max(weights) for weight in weights]  # their sum is finite
        shares = np.divide(weights, sum(weights)).tolist()
        single = [
            self._learned(style) if isinstance(style, LearnedStyle) else self._encoded(style)
            for style in styles
        ]
        code = np.average([style.code for style in single], axis=0, weights=shares)
        target = _mixed_target([style.target for style in single], shares)
        return Style(code.astype(np.float32), target)

    def _encoded(self, picture: Image.Image) -> Style:
        array = np.asarray(_style_size(flatten(picture)))
        return Style(self.stylizer.style_code([array])[0], StyleTarget([array], [1.0]))

    def _learned(self, style: LearnedStyle) -> Style:
        if style.weights != self.model.weights or len(style.code) != self.stylizer.code_size:
            return self.style(style.pictures)
        pictures = [np.asarray(picture) for picture in style.pictures]
        return Style(style.code, StyleTarget(pictures, [1 / len(pictures)] * len(pictures)))

    def transfer(self, content: Image.Image, style: Style, options: TransferOptions) -> Image.Image:
        """The last of `transfer_steps`."""
        return last_picture(self.transfer_steps(content, style, options))

    def transfer_steps(
        self, content: Image.Image, style: Style, options: TransferOptions
    ) -> Iterator[PaintingStep]:
        """Paint one picture in a style.

        Args:
            content: "RGB", or "RGBA", whose transparency the result keeps.
            style: see `style`.
            options: see `TransferOptions`.

        Yields:
            Pictures of the content's mode. The longer side is `options.size`, or the content's own,
            limited to `max_side`.

        Raises:
            UserError: `options.size` is more than `max_side`.
        """
        if self.max_side is not None and options.size > self.max_side:
            raise UserError(
                f"size {options.size} is more than the {self.max_side} pixels that serve.max_side "
                "allows",
                code="option-out-of-range",
            )
        content = limit_side(content, self.max_side)
        size = painted_size(content.size, options.size, options.stroke_size)
        if options.size:
            content = rescale(content, options.size / max(content.size))
        opaque = flatten(content)
        small = opaque.resize(size, Image.Resampling.LANCZOS)
        array, strength = np.asarray(small), options.strength
        rendered = self.stylizer.render(array, style.code, strength)

        def finish(painted: Image.Image) -> Image.Image:
            if strength == 0:
                return copy_alpha(content, opaque)
            painted = preserve_colour(painted, small, options.preserve_color)
            return copy_alpha(content, enlarge(painted, small, opaque))

        if options.quality == "fast" or strength == 0:
            return at_once(rendered, finish)
        return optimized_steps(rendered, array, [style.target], None, strength, finish)

    def fuse(
        self,
        a: Image.Image,
        b: Image.Image,
        options: FusionOptions,
        mask: Image.Image | None = None,
        style: Style | None = None,
    ) -> Image.Image:
        """The last of `fuse_steps`."""
        return last_picture(self.fuse_steps(a, b, options, mask, style))

    def fuse_steps(
        self,
        a: Image.Image,
        b: Image.Image,
        options: FusionOptions,
        mask: Image.Image | None = None,
        style: Style | None = None,
    ) -> Iterator[PaintingStep]:
        """Fuse two pictures.

        Args:
            a: determines the size.
            b: scaled and cropped to A's size.
            options: see `FusionOptions`.
            mask: white where A shows, for the mode "mask"; scaled to A's size.
            style: to paint in, instead of A's and B's own styles.

        Yields:
            "RGB" pictures of A's size, limited to `max_side`.

        Raises:
            UserError: the mode needs a mask and there is none, or the other way round.
        """
        first = limit_side(flatten(a), self.max_side)
        second = ImageOps.fit(flatten(b), first.size, Image.Resampling.LANCZOS)
        size = painted_size(first.size, 0, options.stroke_size)
        small = [picture.resize(size, Image.Resampling.LANCZOS) for picture in (first, second)]
        luminances = [np.asarray(picture.convert("L"), np.float32) for picture in small]
        mask_values = _mask_values(mask, size)
        shares = content_mask(luminances[0], luminances[1], options, mask_values)

        styles = [self.style([a]), self.style([b])] if style is None else [style, style]
        codes = [each.code for each in styles]
        contents = [np.asarray(picture) for picture in small]
        if options.style_by_region:
            regions = style_regions(shares, options.style_balance)
            mixed = strokes = codes
        else:
            detail = options.detail_balance
            detail = options.style_balance if detail == SAME_AS_STYLE else detail
            regions = None
            mixed, strokes = [_mix(codes, options.style_balance)], [_mix(codes, detail)]
        if options.seamless:
            painted = [self.stylizer.fuse([c], mixed, strokes, None, regions) for c in contents]
            fused = poisson.blend(painted[0], painted[1], shares, SEAMLESS_COLOUR_WEIGHT)
        else:
            fused = self.stylizer.fuse(contents, mixed, strokes, shares, regions)
        levels = Image.fromarray(np.rint(255 * shares).astype(np.uint8))
        joined = Image.composite(small[0], small[1], levels)

        def finish(painted: Image.Image) -> Image.Image:
            if size == first.size:
                return painted
            return enlarge(
                painted, joined, Image.composite(first, second, levels.resize(first.size))
            )

        if options.quality == "fast":
            return at_once(fused, finish)
        targets = [each.target for each in styles]
        if style is not None:
            targets, regions = [style.target], None
        elif regions is None:
            targets = [_mixed_target(targets, (detail, 1 - detail))]
        return optimized_steps(fused, np.asarray(joined), targets, regions, 1.0, finish)


PREDICTOR = TransferPredictor


def _mask_values(mask: Image.Image | None, size: tuple[int, int]) -> np.ndarray | None:
    if mask is None:
        return None
    levels = flatten(mask, BLACK).convert("L")  # where a mask is transparent, it is not white
    scaled = levels.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(scaled, np.float32) / 255


def _mix(codes: Sequence[np.ndarray], balance: float) -> np.ndarray:
    return balance * codes[0] + (1 - balance) * codes[1]


def _mixed_target(targets: Sequence[StyleTarget], shares: Sequence[float]) -> StyleTarget:
    return StyleTarget(
        [picture for target in targets for picture in target.pictures],
        [
            share * weight
            for target, share in zip(targets, shares, strict=True)
            for weight in target.weights
        ],
    )


def _style_size(style: Image.Image) -> Image.Image:
    shorter, longer = sorted(style.size)
    return rescale(style, min(STYLE_SIDE / shorter, MAX_STYLE_ASPECT * STYLE_SIDE / longer))
