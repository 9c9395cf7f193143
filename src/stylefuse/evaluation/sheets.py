"""Sheets of pictures that show at a glance what a model does."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP, CAPTION = 6, 22  # pixels
PAPER, INK = (250, 250, 248), (40, 40, 40)


def save_grid(
    path: Path, rows: list[list[np.ndarray | None]], captions: list[str], side: int
) -> None:
    """Write a table of pictures as a PNG.

    Args:
        path: where to.
        rows: uint8 `[height, width, 3]` pictures; None leaves a cell empty.
        captions: one per column, above the first row.
        side: of a cell, pixels.
    """
    width = max(map(len, rows)) * (side + GAP) + GAP
    sheet = Image.new("RGB", (width, CAPTION + len(rows) * (side + GAP) + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for column, caption in enumerate(captions):
        centre = GAP + column * (side + GAP) + side / 2
        draw.text((centre, CAPTION / 2 + 3), caption, INK, font, anchor="mm")
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            if picture is not None:
                cell = Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)
                sheet.paste(cell, (GAP + j * (side + GAP), CAPTION + GAP + i * (side + GAP)))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, optimize=True)
