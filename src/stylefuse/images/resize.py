"""Resizing, and the transparency of a result."""

import numpy as np
from PIL import Image

from stylefuse.images.open import flatten

ROWS = 64  # of which the background is taken out at a time


def limit_side(picture: Image.Image, max_side: int | None) -> Image.Image:
    """Scale a picture down if its longer side has more than `max_side` pixels; None allows any."""
    longer = max(picture.size)
    if max_side is None or longer <= max_side:
        return picture
    return rescale(picture, max_side / longer)


def rescale(picture: Image.Image, scale: float) -> Image.Image:
    """Multiply both sides by a factor; they are rounded to whole pixels."""
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def copy_alpha(source: Image.Image, target: Image.Image) -> Image.Image:
    """Give `target` the alpha channel of `source` if it has one.

    Args:
        source: "RGB" or "RGBA".
        target: what was made of `flatten(source)`, of the same size. Where it is half transparent,
            the background is taken out of its colours again: over mid-grey, the result looks like
            `target`.
    """
    if source.mode != "RGBA":
        return target
    colours = np.array(target)
    for top in range(0, source.height, ROWS):
        rows = slice(top, top + ROWS)
        part = source.crop((0, top, source.width, min(top + ROWS, source.height)))
        straight = np.asarray(part)
        is_partial = (straight[..., 3] > 0) & (straight[..., 3] < 255)
        opacity = straight[is_partial][:, 3:] / 255
        change = colours[rows][is_partial].astype(float) - np.asarray(flatten(part))[is_partial]
        restored = straight[is_partial][:, :3] + change / opacity
        colours[rows][is_partial] = np.rint(np.clip(restored, 0, 255))
    target = Image.fromarray(colours)
    target.putalpha(source.getchannel("A"))
    return target
