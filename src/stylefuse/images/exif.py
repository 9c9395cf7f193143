"""Reading EXIF blocks, whose tags may take much more memory than the file."""

import struct

from PIL import ExifTags, Image

from stylefuse.images.file_checks import EXIF_START, TIFF_ORDERS, has_plausible_tags

# texts of a PNG, as ImageMagick writes them
RAW_PROFILES = "Raw profile type exif", "Raw profile type APP1"
RAW_PROFILE_HEAD = 3  # lines before its hexadecimal digits
MAX_RAW_PROFILE = 2 << 20  # characters
WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i"}  # type → struct's
ENTRY_BYTES = 12  # of a tag: number, type, count, value


def read_exif(picture: Image.Image) -> Image.Exif:
    """The EXIF block of an opened file; empty if it is missing, broken or implausible.

    Args:
        picture: as Pillow opens it, loaded or not. Raw profiles are taken out of its `info`.
    """
    if _block(picture) == b"":
        return Image.Exif()
    try:
        return picture.getexif()
    except Exception:  # Pillow's parsers of metadata raise errors of every kind
        return Image.Exif()


def orientation(picture: Image.Image) -> int:
    """The tag of EXIF, from 1 to 8, of an opened file; 1 if it cannot be read."""
    if number := _whole_orientation(_block(picture) or b""):
        return number
    try:
        value = float(read_exif(picture).get(ExifTags.Base.Orientation, 1))
    except (TypeError, ValueError):
        return 1
    return int(value) if value.is_integer() else 1


def _block(picture: Image.Image) -> bytes | None:
    """The bytes of the EXIF block; none if it is implausible, and None if it is missing or is the
    file itself, as in TIFF."""
    profiles = [picture.info.pop(name, None) for name in RAW_PROFILES]
    block = picture.info.get("exif")
    text = next((text for text in profiles if isinstance(text, str)), "")
    if block is None and 0 < len(text) < MAX_RAW_PROFILE:
        try:
            digits = "".join(text.split("\n")[RAW_PROFILE_HEAD:])
            block = picture.info["exif"] = bytes.fromhex(digits)
        except ValueError:
            return None
    if not isinstance(block, bytes):
        return None
    return block if has_plausible_tags(block.removeprefix(EXIF_START)) else b""


def _whole_orientation(block: bytes) -> int | None:
    """The orientation in the first directory; None if it is missing or no whole number.

    Pillow reads nothing behind a tag whose value is missing.
    """
    tiff = block.removeprefix(EXIF_START)
    order = TIFF_ORDERS.get(tiff[:4])
    if order is None:
        return None
    try:
        (first,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, first)
        for start in range(first + 2, first + 2 + ENTRY_BYTES * count, ENTRY_BYTES):
            tag, kind, values = struct.unpack_from(f"{order}HHI", tiff, start)
            if tag == ExifTags.Base.Orientation and values and kind in WHOLE_NUMBERS:
                (number,) = struct.unpack_from(order + WHOLE_NUMBERS[kind], tiff, start + 8)
                return int(number)
    except struct.error:  # the block is cut short
        pass
    return None
