"""Kinds of TIFF files that Pillow opens with wrong values; all but one of them are refused."""

import math

from PIL import Image, ImagePalette

from stylefuse.errors import UserError

BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC_INTERPRETATION = 258, 259, 262  # tags
STRIP_OFFSETS, SAMPLES_PER_PIXEL, ROWS_PER_STRIP = 273, 277, 278
IMAGE_WIDTH, IMAGE_LENGTH, PLANAR_CONFIGURATION, COLOUR_MAP = 256, 257, 284, 320
TILE_WIDTH, TILE_LENGTH, TILE_OFFSETS, INK_SET = 322, 323, 324, 332
EXTRA_SAMPLES, SAMPLE_FORMAT = 338, 339
WHITE_IS_ZERO, SEPARATED, YCBCR = 0, 5, 6  # photometric interpretations
UNCOMPRESSED, OLD_JPEG = 1, 6  # compressions
SEPARATE_PLANES, NOT_CMYK, PREMULTIPLIED, SIGNED = 2, 2, 1, 2
PLANES = {"RGB", "RGBA", "CMYK"}  # modes that Pillow reads from separate planes
MAX_TILE, TILE_MARGIN = 1024, 256  # pixels: a side of any picture's tiles, and beyond the picture


def check_tiff(picture: Image.Image, name: str) -> None:
    """Refuse what Pillow would open with wrong values, and correct its palette.

    Args:
        picture: a TIFF file as Pillow opens it, not loaded.
        name: of the picture in messages.

    Raises:
        UserError: the file is of such a kind, or lacks a part of its picture.
    """
    tags = picture.tag_v2  # type: ignore[attr-defined]
    if kind := _refused_kind(picture, tags):
        raise UserError(
            f"{name} is a TIFF file with {kind}; save it with 8 or 16 bits per channel, channels "
            "side by side",
            code="picture-tiff-unsupported",
        )
    tile = tags.get(TILE_WIDTH, 0), tags.get(TILE_LENGTH, 0)
    largest = [max(side + TILE_MARGIN, MAX_TILE) for side in picture.size]
    if tile[0] > largest[0] or tile[1] > largest[1]:
        raise UserError(
            f"{name} is a TIFF file whose tiles of {tile[0]}×{tile[1]} pixels are much larger than "
            "the picture; save it again",
            code="picture-tiff-unsupported",
        )
    offsets = tags.get(TILE_OFFSETS if tile[0] else STRIP_OFFSETS, ())
    if tags.get(COMPRESSION) != OLD_JPEG and len(offsets) < _parts(tags):
        raise UserError(
            f"{name} is damaged or cut short (parts of the picture are missing)",
            code="picture-damaged",
        )
    colours = tags.get(COLOUR_MAP, ())
    if picture.mode == "P" and max(colours, default=256) < 256:  # 8 bits, where 16 are the rule
        picture.palette = ImagePalette.raw("RGB;L", bytes(colours))


def _refused_kind(picture: Image.Image, tags: dict) -> str:
    """What is unusual about a file, if that is why it is refused; else ""."""
    bits = max(tags.get(BITS_PER_SAMPLE, (1,)))
    photometric = tags.get(PHOTOMETRIC_INTERPRETATION)
    has_planes = (
        tags.get(PLANAR_CONFIGURATION) == SEPARATE_PLANES and tags.get(SAMPLES_PER_PIXEL, 1) > 1
    )
    if picture.mode != "F" and (bits > 16 or (bits > 8 and has_planes)):
        return f"{bits} bits per channel" + (" in separate planes" if has_planes else "")
    is_premultiplied = PREMULTIPLIED in tags.get(EXTRA_SAMPLES, ())
    if has_planes and (picture.mode not in PLANES or is_premultiplied):
        return f"{picture.mode} in separate planes"
    if photometric is None:
        return "no photometric interpretation, so that black may be white"
    if SIGNED in tags.get(SAMPLE_FORMAT, ()):
        return "signed values"
    if photometric == SEPARATED and tags.get(INK_SET) == NOT_CMYK:
        return "other inks than CMYK"
    if photometric == YCBCR and tags.get(COMPRESSION, UNCOMPRESSED) == UNCOMPRESSED:
        return "uncompressed YCbCr"
    return ""


def _parts(tags: dict) -> int:
    """How many strips or tiles a file has, if nothing is missing."""
    has_planes = tags.get(PLANAR_CONFIGURATION) == SEPARATE_PLANES
    planes = tags.get(SAMPLES_PER_PIXEL, 1) if has_planes else 1
    width, height = tags[IMAGE_WIDTH], tags[IMAGE_LENGTH]  # as stored; Pillow's may be upright
    rows = tags.get(TILE_LENGTH) or tags.get(ROWS_PER_STRIP) or height
    columns = tags.get(TILE_WIDTH) or width
    return math.ceil(height / rows) * math.ceil(width / columns) * int(planes)
