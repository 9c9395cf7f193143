"""What a picture file stores, as an upright sRGB picture with 8 bits per channel."""

import numpy as np
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.exif import orientation
from stylefuse.images.srgb import to_srgb
from stylefuse.images.tiff_kinds import (
    BITS_PER_SAMPLE,
    PHOTOMETRIC_INTERPRETATION,
    WHITE_IS_ZERO,
    check_tiff,
)

UPRIGHT = {  # orientation → what turns the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM, 5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE, 8: Image.Transpose.ROTATE_90,
}  # fmt: skip
LEVEL_FACTORS = {"L;2": 85, "L;4": 17}  # raw mode of a PNG → by what Pillow multiplies its levels
PROGRESSIVE_BLOCK = 1024  # bytes of a progressive JPEG that are decoded at a time


def normalise(picture: Image.Image, name: str) -> Image.Image:
    """Load a file and convert its values.

    Args:
        picture: as Pillow opens it.
        name: of the picture in messages.

    Returns:
        "RGBA" if the file has transparency, else "RGB".

    Raises:
        UserError: the kind of file is one that Pillow would open with wrong values.
    """
    if picture.format == "TIFF":
        check_tiff(picture, name)
    if picture.format == "PNG":
        _scale_transparent_level(picture)
    if picture.info.get("progressive"):  # a few bytes of it can hold a scan of the whole picture
        picture.decodermaxblock = PROGRESSIVE_BLOCK  # type: ignore[attr-defined]
    picture.load()
    turn = UPRIGHT.get(orientation(picture))
    upright = picture if turn is None else picture.transpose(turn)
    alpha = _alpha(upright)
    colours = to_srgb(_with_8_bits(upright, picture, name), picture.info, name)
    if alpha is not None:
        colours.putalpha(alpha)
    return colours


def _scale_transparent_level(picture: Image.Image) -> None:
    """Give the transparent colour of a PNG as many bits as Pillow gives its pixels."""
    transparent = picture.info.get("transparency")
    raw_mode = next((tile.args for tile in getattr(picture, "tile", ())), None)
    if isinstance(transparent, int) and raw_mode in LEVEL_FACTORS:
        picture.info["transparency"] = transparent * LEVEL_FACTORS[raw_mode]
    elif isinstance(transparent, tuple) and raw_mode == "RGB;16B":
        picture.info["transparency"] = tuple(level >> 8 for level in transparent)


def _alpha(picture: Image.Image) -> Image.Image | None:
    """The opacity of each pixel, "L"; None if the picture is opaque."""
    if not picture.has_transparency_data:
        return None
    if picture.mode.startswith("I"):
        opaque = np.asarray(picture) != picture.info["transparency"]
        return Image.fromarray(opaque.astype(np.uint8) * 255)
    alpha = picture.convert("RGBA").getchannel("A")
    if picture.format == "BMP" and alpha.getextrema() == (0, 0):
        return None  # the channel is not used
    return alpha


def _with_8_bits(picture: Image.Image, file: Image.Image, name: str) -> Image.Image:
    """The picture with 8 bits per channel; `file` is the one that was opened."""
    if picture.mode == "F":
        raise UserError(
            f"{name} holds floating-point values; save it with 8 or 16 bits per channel",
            code="picture-floating-point",
        )
    if not picture.mode.startswith("I"):  # 16 bits in one grey channel
        return picture
    tags = getattr(file, "tag_v2", {})
    levels = np.asarray(picture) * (255 / (2 ** max(tags.get(BITS_PER_SAMPLE, (16,))) - 1))
    if tags.get(PHOTOMETRIC_INTERPRETATION) == WHITE_IS_ZERO:
        levels = 255 - levels
    return Image.fromarray(np.rint(np.clip(levels, 0, 255)).astype(np.uint8))
