"""Style pictures and their weights, as the command line names them."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.open import open_picture
from stylefuse.painting.files import find_pictures, matches_pictures


class Styles(NamedTuple):
    """Pictures to take a style from, with the file and the weight of each."""

    paths: list[Path]
    pictures: list[Image.Image]
    weights: list[float]

    def apart(self) -> list["Styles"]:
        """Each style by itself.

        Raises:
            UserError: a weight was given, which means nothing then.
        """
        if {*self.weights} != {1.0}:
            raise UserError("a weight mixes styles; give none where each is painted by itself")
        alone = zip(self.paths, self.pictures, strict=True)
        return [Styles([path], [picture], [1.0]) for path, picture in alone]


def read_styles(texts: Sequence[str], most_pixels: int) -> Styles:
    """Open style pictures.

    Args:
        texts: `PATH` or `PATH:WEIGHT`; a path is a file's, a folder's, or a glob pattern.
        most_pixels: a larger picture is refused.

    Raises:
        UserError: a file is missing or no picture, or a weight is not a positive number.
    """
    found = [style for text in texts for style in parse_style(text)]
    paths = [path for path, _ in found]
    pictures = [open_picture(path, most_pixels=most_pixels) for path in paths]
    return Styles(paths, pictures, [weight for _, weight in found])


def parse_style(text: str) -> list[tuple[Path, float]]:
    """`PATH` or `PATH:WEIGHT` → each picture's path, and the weight (1 when left out); paths may
    hold colons.

    Raises:
        UserError: there is no such picture, or the weight is not a positive number.
    """
    path, colon, weight = text.rpartition(":")
    if not colon or Path(text).exists() or not matches_pictures(path):
        return [(found, 1.0) for found in find_pictures([text])]
    try:
        share = float(weight)
    except ValueError:
        share = math.nan
    if not (math.isfinite(share) and share > 0):
        raise UserError(f"the weight of the style {path} must be a positive number, not {weight}")
    return [(found, share) for found in find_pictures([path])]
