"""Many pictures, painted one by one; one that cannot be painted does not stop the others."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from stylefuse.errors import UserError

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
