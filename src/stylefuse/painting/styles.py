"""Styles and their weights, as given on the command line."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.open import open_picture
from stylefuse.inference.style_file import SUFFIX, LearnedStyle, open_style
from stylefuse.painting.files import find_pictures, matches_pictures


class Styles(NamedTuple):
    """Pictures and learned styles, with the file and the weight of each."""

    paths: list[Path]
    pictures: list[Image.Image | LearnedStyle]
    weights: list[float]

    def split(self) -> list["Styles"]:
        """Each style by itself.

        Raises:
            UserError: a style has a weight, which mixes styles.
        """
        if {*self.weights} != {1.0}:
            raise UserError(
                "a weight mixes styles; give none where every style is painted by itself",
                code="style-weight-invalid",
            )
        pairs = zip(self.paths, self.pictures, strict=True)
        return [Styles([path], [picture], [1.0]) for path, picture in pairs]


def read_styles(texts: Sequence[str]) -> Styles:
    """Open style pictures and files of learned styles.

    Args:
        texts: `PATH` or `PATH:WEIGHT`; a path is a file, a folder or a glob pattern.

    Raises:
        UserError: a file is missing or is neither, or a weight is not a positive number.
    """
    styles = [style for text in texts for style in parse_style(text)]
    paths = [path for path, _ in styles]
    pictures = [
        open_style(path) if path.suffix.lower() == SUFFIX else open_picture(path) for path in paths
    ]
    return Styles(paths, pictures, [weight for _, weight in styles])


def parse_style(text: str) -> list[tuple[Path, float]]:
    """Parse `PATH` or `PATH:WEIGHT`; a path may contain colons.

    Returns:
        The path of each picture with its weight, which is 1 where none is given.

    Raises:
        UserError: there is no such picture, or the weight is not a positive number.
    """
    path, colon, weight_text = text.rpartition(":")
    if not colon or Path(text).exists() or not matches_pictures(path):
        return [(picture, 1.0) for picture in find_pictures([text])]
    try:
        weight = float(weight_text)
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight > 0):
        raise UserError(
            f"the weight of the style {path} must be a positive number, not {weight_text}",
            code="style-weight-invalid",
        )
    return [(picture, weight) for picture in find_pictures([path])]
