"""Sheets of pictures that show at a glance what a model does."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP, CAPTION = 6, 22  # pixels
PAPER, INK = (250, 250, 248), (40, 40, 40)


def save_grid(
    path: Path,
    rows: Sequence[Sequence[np.ndarray | None] | np.ndarray],
    side: int,
    columns: Sequence[str] = (),
    names: Sequence[str] = (),
) -> None:
    """Write a table of pictures as a PNG.

    Args:
        path: where to.
        rows: uint8 `[height, width, 3]` pictures; None leaves a cell empty.
        side: of a cell, pixels.
        columns: captions above the first row.
        names: of the rows, on their left.
    """
    font = ImageFont.load_default(13)
    top = CAPTION if columns else 0
    left = round(max(map(font.getlength, names)) + 2 * GAP) if names else 0
    width = left + max(map(len, rows)) * (side + GAP) + GAP
    sample_grid = Image.new("RGB", (width, top + len(rows) * (side + GAP) + GAP), PAPER)
    draw = ImageDraw.Draw(sample_grid)

    def place(index: int) -> int:
        return GAP + index * (side + GAP)

    for j, caption in enumerate(columns):
        draw.text((left + place(j) + side / 2, CAPTION / 2 + 3), caption, INK, font, anchor="mm")
    for i, name in enumerate(names):
        draw.text((left, top + place(i) + side / 2), name, INK, font, anchor="rm")
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            if picture is not None:
                cell = Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)
                sample_grid.paste(cell, (left + place(j), top + place(i)))
    path.parent.mkdir(parents=True, exist_ok=True)
    sample_grid.save(path, optimize=True)


def spread(pictures: np.ndarray, count: int) -> np.ndarray:
    """A few rows of an array, from its whole length."""
    return pictures[np.linspace(0, len(pictures) - 1, count).astype(int)]
