"""Overlapping tiles for pictures that are too large to be processed at once."""

from collections.abc import Iterator
from itertools import product
from math import ceil

TILE = 880  # pixels; with its margins 1024, and a larger picture is processed in tiles
MARGIN = 72  # pixels around a tile: a little more than the receptive field of the generators

Area = tuple[slice, slice, slice]  # of a batch: all pictures, rows, columns


def needed(height: int, width: int) -> bool:
    """Whether a picture is larger than a tile with its margins."""
    return max(height, width) > TILE + 2 * MARGIN


def cover(height: int, width: int) -> Iterator[tuple[Area, Area]]:
    """Tiles with margins that cover a batch `[batch, height, width, …]`.

    There are as few tiles as possible. All have one size, so that the generator is compiled once.
    They begin at multiples of 8 if the sides are multiples of 8.

    Yields:
        A tile as an area of the batch, and the part of the tile to keep. The kept parts leave no
        gap; a later one may overwrite an earlier one.
    """
    for (rows, inner_rows), (columns, inner_columns) in product(_spans(height), _spans(width)):
        everything = slice(None)
        yield (everything, rows, columns), (everything, inner_rows, inner_columns)


def _spans(length: int) -> list[tuple[slice, slice]]:
    """Spans of one length that cover a side, each with the part of it to keep."""
    count = max(1, ceil((length - 2 * MARGIN) / TILE))
    if count == 1:
        return [(slice(0, length), slice(0, length))]
    inner = ceil((length - 2 * MARGIN) / count / 8) * 8
    span = inner + 2 * MARGIN
    starts = [min(i * inner, length - span) for i in range(count)]
    return [(slice(start, start + span), slice(MARGIN if start else 0, span)) for start in starts]
