"""Options of a painted character.

Importing this module imports neither NumPy nor Pillow, so that the command line can show the
choices in its help.
"""

from dataclasses import dataclass
from typing import Literal, get_args

from stylefuse.errors import UserError
from stylefuse.inference.options import QUALITIES, Options, Quality

Kind = Literal["costume", "portrait"]
Mirror = Literal["auto", "yes", "no"]
KINDS: tuple[str, ...] = get_args(Kind)
MIRROR_CHOICES: tuple[str, ...] = get_args(Mirror)
MIN_SIZE, MAX_SIZE = 128, 768  # of the output, in pixels; a character's own size may be larger


@dataclass(frozen=True)
class CharacterOptions(Options):
    """Options of a painted character.

    Args:
        kind: "costume" shows the person's face in the character's picture; "portrait" shows the
            person with hair and clothes, painted in the character's hand and colours.
        likeness: 0 is the character, 1 the person.
        mirror: whether the character is mirrored: "yes", "no", or, with "auto", where its pose fits
            better then.
        size: longer side of the output in pixels; 0 for the character's own.
        quality: "fast" or "painted", see `stylefuse.inference.options.PaintingOptions`.

    Raises:
        UserError: a value is out of its range.
    """

    kind: Kind = "costume"
    likeness: float = 0.75
    mirror: Mirror = "auto"
    size: int = 0
    quality: Quality = "painted"

    def __post_init__(self) -> None:
        for name, value, choices in (
            ("kind", self.kind, KINDS),
            ("mirror", self.mirror, MIRROR_CHOICES),
            ("quality", self.quality, QUALITIES),
        ):
            if value not in choices:
                raise UserError(
                    f"{name} must be one of {', '.join(choices)}, not {value!r}",
                    code="option-invalid",
                )
        if not 0 <= self.likeness <= 1:
            raise UserError(
                f"likeness must be a number from 0 to 1, not {self.likeness}",
                code="option-out-of-range",
            )
        if self.size and self.size < MIN_SIZE:
            raise UserError(
                f"size must be at least {MIN_SIZE} pixels, or 0 for the character's own, not "
                f"{self.size}",
                code="option-out-of-range",
            )
