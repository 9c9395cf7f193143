"""Style pictures and their weights, as the command line names them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from stylefuse.data.pictures import open_picture
from stylefuse.errors import UserError


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
        texts: `PATH` or `PATH:WEIGHT`.
        most_pixels: a larger picture is refused.

    Raises:
        UserError: a file is missing or no picture, or a weight is no number.
    """
    found = [parse_style(text) for text in texts]
    paths = [path for path, _ in found]
    pictures = [open_picture(path, most_pixels=most_pixels) for path in paths]
    return Styles(paths, pictures, [weight for _, weight in found])


def parse_style(text: str) -> tuple[Path, float]:
    """`PATH` or `PATH:WEIGHT` → path and weight (1 when left out); paths may hold colons.

    Raises:
        UserError: there is no such file.
    """
    path, _, weight = text.rpartition(":")
    if not Path(text).exists() and path and Path(path).exists():
        try:
            return Path(path), float(weight)
        except ValueError:
            raise UserError(f"{weight!r} is no weight for the style {path}") from None
    if not Path(text).is_file():
        raise UserError(f"the style {text} is not here; give the path of a picture")
    return Path(text), 1.0
