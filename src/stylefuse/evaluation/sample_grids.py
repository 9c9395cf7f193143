"""Sample grids: PNG files with captioned rows and columns of pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP, CAPTION_HEIGHT = 6, 22  # pixels
PAPER, INK = (250, 250, 248), (40, 40, 40)  # background and text


def save_grid(
    path: Path,
    rows: Sequence[Sequence[np.ndarray | None] | np.ndarray],
    side: int,
    column_names: Sequence[str] = (),
    row_names: Sequence[str] = (),
) -> None:
    """Write a grid of pictures as a PNG.

    Args:
        path: of the file; missing folders are made.
        rows: uint8 `[height, width, 3]` pictures; None leaves a cell empty.
        side: of a cell, pixels.
        column_names: captions above the first row.
        row_names: captions left of the rows.
    """
    font = ImageFont.load_default(13)
    top = CAPTION_HEIGHT if column_names else 0
    left = round(max(map(font.getlength, row_names)) + 2 * GAP) if row_names else 0
    width = left + max(map(len, rows)) * (side + GAP) + GAP
    grid = Image.new("RGB", (width, top + len(rows) * (side + GAP) + GAP), PAPER)
    draw = ImageDraw.Draw(grid)

    def offset(index: int) -> int:
        return GAP + index * (side + GAP)

    for j, name in enumerate(column_names):
        centre = left + offset(j) + side / 2, CAPTION_HEIGHT / 2 + 3
        draw.text(centre, name, INK, font, anchor="mm")
    for i, name in enumerate(row_names):
        draw.text((left, top + offset(i) + side / 2), name, INK, font, anchor="rm")
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            if picture is not None:
                cell = Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)
                grid.paste(cell, (left + offset(j), top + offset(i)))
    path.parent.mkdir(parents=True, exist_ok=True)
    grid.save(path, optimize=True)


def evenly_spaced(rows: np.ndarray, count: int) -> np.ndarray:
    """Select `count` rows of an array at even distances, the first and the last included."""
    return rows[np.linspace(0, len(rows) - 1, count).astype(int)]
