"""The options of every model, with their defaults and ranges."""

from dataclasses import dataclass
from typing import Literal, get_args

from stylefuse.errors import UserError

Preserve = Literal["none", "luminance", "match"]
Mode = Literal["auto", "saliency", "mask", "scalar"]

SAME = -1.0  # the detail balance that is the style balance


@dataclass(frozen=True)
class Options:
    """Options of a model, each with a default; a subclass checks their ranges."""


@dataclass(frozen=True)
class TransferOptions(Options):
    """How to paint.

    Args:
        strength: 0 keeps the content's own style, 1 takes the other's.
        preserve_color: "luminance" or "match" keep the content's colours, see `preserve_colour`.
        size: longer side of the output in pixels; 0 keeps the content's own.

    Raises:
        UserError: a value is out of its range.
    """

    strength: float = 1.0
    preserve_color: Preserve = "none"
    size: int = 0

    def __post_init__(self) -> None:
        if self.preserve_color not in get_args(Preserve):
            ways = ", ".join(get_args(Preserve))
            raise UserError(f"preserve_color must be one of {ways}, not {self.preserve_color!r}")
        if not 0 <= self.strength <= 1:
            raise UserError(f"strength must be a number from 0 to 1, not {self.strength}")
        if self.size < 0:
            raise UserError(f"size must be a number of pixels, or 0, not {self.size}")


@dataclass(frozen=True)
class FusionOptions(Options):
    """The dials of a fusion of A and B; each runs from B at 0 to A at 1.

    Args:
        content_balance: how much of A's content shows.
        style_balance: how much of A's style it is painted in.
        detail_balance: the same for the strokes alone, palette and form following
            `style_balance`; −1 for the same.
        mode: "saliency" shows at each place the picture with more going on there, "mask" shows A
            where a given mask is white, "scalar" lays both over each other everywhere; "auto" is
            "mask" where a mask is given, else "saliency".
        style_by_region: paint what shows of A in A's style, and what shows of B in B's;
            `style_balance` then leans both to one side.
        seamless: paint A and B each as a whole, and join them by their gradients.

    Raises:
        UserError: a value is out of its range.
    """

    content_balance: float = 0.5
    style_balance: float = 0.5
    detail_balance: float = SAME
    mode: Mode = "auto"
    style_by_region: bool = False
    seamless: bool = False

    def __post_init__(self) -> None:
        for name in ("content_balance", "style_balance", "detail_balance"):
            value = getattr(self, name)
            if not (0 <= value <= 1 or (name == "detail_balance" and value == SAME)):
                raise UserError(f"{name} must be a number from 0 to 1, not {value}")
        if self.mode not in get_args(Mode):
            raise UserError(f"mode must be one of {', '.join(get_args(Mode))}, not {self.mode!r}")

    def check_mask(self, given: bool) -> None:
        """See that the mode goes with there being a mask, or none.

        Raises:
            UserError: the mode needs a mask, or was given one in vain.
        """
        if self.mode != "auto" and given != (self.mode == "mask"):
            need = "takes no mask" if given else "needs a mask"
            raise UserError(f"the mode {self.mode!r} {need}")


@dataclass(frozen=True)
class TransferRequestOptions(FusionOptions, TransferOptions):
    """All dials of a request: those of a transfer, and those of a fusion.

    Args:
        style_weights: how much each of several styles counts, one number for each; none: all the
            same.
    """

    style_weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        TransferOptions.__post_init__(self)
        FusionOptions.__post_init__(self)


@dataclass(frozen=True)
class RestoreOptions(Options):
    """How to restore.

    Args:
        strength: 0 leaves the picture as it is, 1 restores it.

    Raises:
        UserError: a value is out of its range.
    """

    strength: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise UserError(f"strength must be a number from 0 to 1, not {self.strength}")


@dataclass(frozen=True)
class PortraitOptions(Options):
    """Which portrait to invent.

    Args:
        towards: a second seed, to be blended in; −1 for none.
        blend: 0 is the first seed's portrait, 1 the second's.

    Raises:
        UserError: a value is out of its range.
    """

    towards: int = -1
    blend: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.blend <= 1:
            raise UserError(f"blend must be a number from 0 to 1, not {self.blend}")
        if self.towards < -1:
            raise UserError(f"towards must be a seed from 0, or -1, not {self.towards}")
