"""Tiles of pictures too large to be painted at once, wide enough that no seam can be seen."""

from collections.abc import Iterator
from itertools import product
from math import ceil

TILE = 768  # pixels; a larger picture is painted in tiles
MARGIN = 72  # pixels beyond a tile that its own pixels can depend on, and a few more

Area = tuple[slice, slice, slice]  # of a batch: all pictures, rows, columns


def needed(height: int, width: int) -> bool:
    """Whether a picture is larger than a tile and its margins."""
    return max(height, width) > TILE + 2 * MARGIN


def cover(height: int, width: int) -> Iterator[tuple[Area, Area]]:
    """Tiles with margins that cover a batch `[batch, height, width, …]`, each with the part of it
    that is kept; the kept parts leave no gap, and a later one may paint over an earlier.

    They are as few as can be, and of one size, so that they are compiled once and overlap no more
    than they must. They begin at multiples of 8 where the sides are such.
    """
    for (rows, inner_rows), (columns, inner_columns) in product(_spans(height), _spans(width)):
        everything = slice(None)
        yield (everything, rows, columns), (everything, inner_rows, inner_columns)


def _spans(length: int) -> list[tuple[slice, slice]]:
    """Stretches of one length that cover a side, each with the part of it that is kept."""
    count = max(1, ceil((length - 2 * MARGIN) / TILE))
    if count == 1:
        return [(slice(0, length), slice(0, length))]
    inner = ceil((length - 2 * MARGIN) / count / 8) * 8
    whole = inner + 2 * MARGIN
    starts = [min(i * inner, length - whole) for i in range(count)]
    return [(slice(start, start + whole), slice(MARGIN if start else 0, whole)) for start in starts]
