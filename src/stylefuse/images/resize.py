"""Resizing, and the transparency of a result."""

from PIL import Image


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
    """Give `target` the alpha channel of `source` if it has one; both have the same size."""
    if source.mode == "RGBA":
        target.putalpha(source.getchannel("A"))
    return target
