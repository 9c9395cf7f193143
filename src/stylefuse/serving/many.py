"""Many pictures, painted one by one; one that cannot be painted does not stop the others."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from PIL import Image
from rich.console import Console
from rich.progress import track

from stylefuse.data.pictures import open_picture
from stylefuse.errors import UserError
from stylefuse.models.recipe import Recipe
from stylefuse.serving.files import save_picture

Item = TypeVar("Item")


def paint_each(items: Sequence[Item], paint: Callable[[Item], None]) -> None:
    """Paint and save every item, and show how far that is.

    Raises:
        UserError: lists what could not be painted.
    """
    wrong = []
    for item in track(items, "painting", console=Console(stderr=True), disable=len(items) == 1):
        try:
            paint(item)
        except UserError as error:
            wrong.append(str(error))
    if wrong:
        if len(items) > 1:
            wrong.insert(0, f"{len(wrong)} of {len(items)} pictures could not be painted:")
        raise UserError("\n  ".join(wrong))


def paint_files(
    files: Sequence[Path],
    outputs: Sequence[Path],
    paint: Callable[[Image.Image], Image.Image],
    recipe: Recipe,
    most_pixels: int,
) -> None:
    """Paint picture files into others.

    Args:
        files: what is painted.
        outputs: where it goes, one for each.
        paint: makes one picture from another.
        recipe: of the model that paints.
        most_pixels: a larger picture is refused.

    Raises:
        UserError: lists what could not be painted.
    """

    def paint_one(pair: tuple[Path, Path]) -> None:
        file, output = pair
        save_picture(paint(open_picture(file, most_pixels=most_pixels)), output, recipe)

    paint_each(list(zip(files, outputs, strict=True)), paint_one)
