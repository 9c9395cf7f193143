"""The options of every model's requests, with their defaults and ranges.

Importing this module imports neither NumPy nor Pillow, so that the command line can show the
choices in its help.
"""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, get_args

from stylefuse.errors import UserError
from stylefuse.inference.degradation_kinds import MENDABLE

PreserveColor = Literal["none", "luminance", "match"]
FusionMode = Literal["auto", "saliency", "mask", "scalar"]
Quality = Literal["fast", "painted"]
PRESERVE_COLOR_CHOICES: tuple[str, ...] = get_args(PreserveColor)
FUSION_MODES: tuple[str, ...] = get_args(FusionMode)
QUALITIES: tuple[str, ...] = get_args(Quality)

SCALES = 1, 2, 4  # of enlargement

STROKE_PIXELS = 8  # about the width of the strokes that the transfer model paints
STROKE_SIZE = 1 / 64  # by default: what a picture of 512 pixels shows
MIN_STROKE_SIZE, MAX_STROKE_SIZE = 0.001, 0.1
SAME_AS_STYLE = -1.0  # a detail balance that follows the style balance


class Names(tuple[str, ...]):
    """A list of names in a request, as opposed to one of numbers."""


NO_NAMES = Names()


@dataclass(frozen=True)
class Options:
    """Options of a model, each with a default; a subclass checks their ranges."""

    def fast(self) -> Self:
        """The options for a quick preview."""
        return self


@dataclass(frozen=True)
class PaintingOptions(Options):
    """What style transfer and fusion have in common.

    Args:
        stroke_size: width of brush strokes, as a share of the longer side.
        quality: "fast" paints with the generator, in a second; "painted" goes on by optimisation,
            see `stylefuse.inference.style_optimizer`.

    Raises:
        UserError: a value is out of its range.
    """

    stroke_size: float = field(default=STROKE_SIZE, kw_only=True)
    quality: Quality = field(default="fast", kw_only=True)

    def __post_init__(self) -> None:
        _check_stroke_size(self.stroke_size)
        _check_choice("quality", self.quality, QUALITIES)

    def fast(self) -> Self:
        return replace(self, quality="fast")


@dataclass(frozen=True)
class TransferOptions(PaintingOptions):
    """Options of style transfer.

    Args:
        strength: 0 is the content itself, 1 takes the other's style.
        preserve_color: "luminance" or "match" keep the content's colours, see
            `stylefuse.inference.colour_preservation`.
        size: longer side of the output in pixels; 0 keeps the content's own.

    Raises:
        UserError: a value is out of its range.
    """

    strength: float = 1.0
    preserve_color: PreserveColor = "none"
    size: int = 0

    def __post_init__(self) -> None:
        PaintingOptions.__post_init__(self)
        _check_choice("preserve_color", self.preserve_color, PRESERVE_COLOR_CHOICES)
        _check_fraction("strength", self.strength)
        if self.size < 0:
            _raise_out_of_range(f"size must be a number of pixels, or 0, not {self.size}")


@dataclass(frozen=True)
class FusionOptions(PaintingOptions):
    """Options of a fusion of two pictures A and B; a balance is 1 for A and 0 for B.

    Args:
        content_balance: how much of A's content shows.
        style_balance: how much of A's style the result has.
        detail_balance: the style balance of the strokes alone, while palette and form follow
            `style_balance`; −1 for the same as `style_balance`.
        mode: "saliency" shows the more detailed picture at each place, "mask" shows A where a
            given mask is white, "scalar" blends both pictures everywhere; "auto" is "mask" if a
            mask is given, else "saliency".
        style_by_region: paint A's content in A's style and B's in B's; `style_balance` then shifts
            both towards one style.
        seamless: paint A and B separately and join them by their gradients.

    Raises:
        UserError: a value is out of its range.
    """

    content_balance: float = 0.5
    style_balance: float = 0.5
    detail_balance: float = SAME_AS_STYLE
    mode: FusionMode = "auto"
    style_by_region: bool = False
    seamless: bool = False

    def __post_init__(self) -> None:
        PaintingOptions.__post_init__(self)
        _check_fraction("content_balance", self.content_balance)
        _check_fraction("style_balance", self.style_balance)
        if self.detail_balance != SAME_AS_STYLE:
            _check_fraction("detail_balance", self.detail_balance)
        _check_choice("mode", self.mode, FUSION_MODES)

    def check_mask(self, has_mask: bool) -> None:
        """Check that the mode goes with a mask, or without one.

        Raises:
            UserError: the mode needs a mask and there is none, or the other way round.
        """
        if self.mode == "mask" and not has_mask:
            raise UserError(
                "the mode 'mask' needs a mask; add one, or choose another mode",
                code="mask-missing",
            )
        if self.mode not in ("auto", "mask") and has_mask:
            raise UserError(
                f"the mode {self.mode!r} takes no mask; leave it out, or choose the mode 'mask'",
                code="mask-unexpected",
            )


@dataclass(frozen=True)
class TransferRequestOptions(FusionOptions, TransferOptions):
    """All options of a request to the transfer model, which also fuses.

    Args:
        style_weights: the weight of each of several styles; equal if empty.
    """

    style_weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        TransferOptions.__post_init__(self)
        FusionOptions.__post_init__(self)


@dataclass(frozen=True)
class RestoreOptions(Options):
    """Options of restoration.

    Args:
        strength: 0 leaves the picture as it is, 1 restores it.
        only: kinds of degradation to mend, even if they are not detected, and no others; if empty,
            those that are detected. Names of `degradation_kinds.MENDABLE`.
        keep: kinds that are not mended.
        scale: 2 or 4 enlarges the restored picture so many times.

    Raises:
        UserError: a value is out of its range, there is no such kind, or one is in both lists.
    """

    strength: float = 1.0
    only: Names = NO_NAMES
    keep: Names = NO_NAMES
    scale: int = 1

    def __post_init__(self) -> None:
        _check_fraction("strength", self.strength)
        _check_choice("scale", self.scale, SCALES)
        for name in ("only", "keep"):
            kinds = Names(getattr(self, name))
            object.__setattr__(self, name, kinds)  # JSON has lists
            for kind in kinds:
                _check_choice(name, kind, MENDABLE)
        if both := sorted({*self.only} & {*self.keep}):
            raise UserError(
                f"only and keep both name {', '.join(both)}; leave it out of one of them",
                code="option-invalid",
            )


@dataclass(frozen=True)
class PortraitOptions(Options):
    """Options of a generated portrait.

    Args:
        towards: a second seed to blend with; −1 for none.
        blend: 0 is the first seed's portrait, 1 the second's.

    Raises:
        UserError: a value is out of its range.
    """

    towards: int = -1
    blend: float = 0.5

    def __post_init__(self) -> None:
        _check_fraction("blend", self.blend)
        if self.towards < -1:
            _raise_out_of_range(f"towards must be a seed from 0, or -1, not {self.towards}")


def painted_size(size: tuple[int, int], longer: int, stroke_size: float) -> tuple[int, int]:
    """The size at which strokes have the requested width, but no larger than the picture.

    Args:
        size: of the picture.
        longer: the longer side of the result; 0 is the picture's own.
        stroke_size: as a share of the longer side.
    """
    scale = min(STROKE_PIXELS / stroke_size, max(longer, *size)) / max(size)
    width, height = (max(1, round(side * scale)) for side in size)
    return width, height


def _check_fraction(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        _raise_out_of_range(f"{name} must be a number from 0 to 1, not {value}")


def _check_stroke_size(value: float) -> None:
    if not MIN_STROKE_SIZE <= value <= MAX_STROKE_SIZE:
        _raise_out_of_range(
            f"stroke_size must be a number from {MIN_STROKE_SIZE} to {MAX_STROKE_SIZE}, a share of "
            f"the longer side, not {value}"
        )


def _check_choice(name: str, value: Any, choices: tuple[Any, ...]) -> None:
    if value not in choices:
        raise UserError(
            f"{name} must be one of {', '.join(map(str, choices))}, not {value!r}",
            code="option-invalid",
        )


def _raise_out_of_range(message: str) -> None:
    raise UserError(message, code="option-out-of-range")
