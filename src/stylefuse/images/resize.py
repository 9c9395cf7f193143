"""TODO docstring."""

from PIL import Image


def fit(picture: Image.Image, max_side: int) -> Image.Image:
    """The picture, scaled down where its longer side is more than `max_side`."""
    longer = max(picture.size)
    return picture if longer <= max_side else scaled(picture, max_side / longer)


def scaled(picture: Image.Image, scale: float) -> Image.Image:
    """The picture at another size, its sides rounded to whole pixels."""
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def with_alpha_of(original: Image.Image, painted: Image.Image) -> Image.Image:
    """The painted picture with the transparency that the original has."""
    if original.mode == "RGBA":
        painted.putalpha(original.getchannel("A"))
    return painted
