"""Reading EXIF blocks, whose tags may take much more memory than the file."""

from PIL import ExifTags, Image

from stylefuse.images.file_checks import EXIF_START, has_plausible_tags

RAW_PROFILE = "Raw profile type exif"  # a text of a PNG, as ImageMagick writes it
RAW_PROFILE_HEAD = 3  # lines before its hexadecimal digits
MAX_RAW_PROFILE = 2 << 20  # characters


def read_exif(picture: Image.Image) -> Image.Exif:
    """The EXIF block of an opened file; empty if it is missing, broken or implausible.

    Args:
        picture: as Pillow opens it, loaded or not. A raw profile is taken out of its `info`.
    """
    raw_profile = picture.info.pop(RAW_PROFILE, None)
    block = picture.info.get("exif")
    try:
        if block is None and isinstance(raw_profile, str) and len(raw_profile) < MAX_RAW_PROFILE:
            digits = "".join(raw_profile.split("\n")[RAW_PROFILE_HEAD:])
            block = picture.info["exif"] = bytes.fromhex(digits)
        if isinstance(block, bytes) and not has_plausible_tags(block.removeprefix(EXIF_START)):
            return Image.Exif()
        return picture.getexif()
    except Exception:  # Pillow's parsers of metadata raise errors of every kind
        return Image.Exif()


def orientation(picture: Image.Image) -> int:
    """The tag of EXIF, from 1 to 8, of an opened file; 1 if it cannot be read."""
    try:
        return int(read_exif(picture).get(ExifTags.Base.Orientation, 1))
    except (TypeError, ValueError):
        return 1
