"""Styles and their weights, as given on the command line."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image

from stylefuse.errors import UserError, printable
from stylefuse.images.open import open_picture
from stylefuse.inference.style_file import SUFFIX, LearnedStyle, open_style
from stylefuse.inference.style_gallery import style_path
from stylefuse.painting.files import find_pictures, matches_pictures

if TYPE_CHECKING:  # it opens graphs, and mistakes in the names of files are reported before that
    from stylefuse.inference.transfer import Style, TransferPredictor


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

    def mix(self, predictor: "TransferPredictor") -> "Style":
        """The mix of all; names on stderr those that were learned for another model."""
        for path, style in zip(self.paths, self.pictures, strict=True):
            if isinstance(style, LearnedStyle) and style.weights != predictor.model.weights:
                sys.stderr.write(
                    f"{printable(str(path))} was learned for another transfer model; its paintings "
                    "are used instead. `stylefuse style learn` learns it again\n"
                )
        return predictor.style(self.pictures, self.weights)


def read_styles(texts: Sequence[str]) -> Styles:
    """Open style pictures and files of learned styles.

    Args:
        texts: `PATH` or `PATH:WEIGHT`; a path is a file, a folder, a glob pattern, or the name of
            a shipped style.

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
    if not colon or Path(text).exists() or not (matches_pictures(path) or style_path(path)):
        return [(picture, 1.0) for picture in _find_styles(text)]
    try:
        weight = float(weight_text)
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight > 0):
        raise UserError(
            f"the weight of the style {path} must be a positive number, not {weight_text}",
            code="style-weight-invalid",
        )
    return [(picture, weight) for picture in _find_styles(path)]


def _find_styles(name: str) -> list[Path]:
    """The pictures and learned styles of a name; a file goes before a shipped style."""
    shipped = style_path(name)
    if shipped and not matches_pictures(name):
        return [shipped]
    try:
        return find_pictures([name])
    except UserError as error:
        if error.code != "picture-missing":
            raise
        raise UserError(
            f"{error}, or a shipped style (`stylefuse style list`)", code=error.code
        ) from None
