"""Saving pictures, with metadata that names the model that made them."""

from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from PIL import Image

from stylefuse.fileio import resolved, write_atomically
from stylefuse.images.metadata import PictureOrigin, generation_metadata, kept_metadata
from stylefuse.images.open import Colour, flatten

SAVE_OPTIONS: dict[str, dict[str, Any]] = {  # suffix → arguments of Pillow's `save`
    ".png": {"format": "PNG"},
    ".jpg": {"format": "JPEG", "quality": 95},
    ".jpeg": {"format": "JPEG", "quality": 95},
    ".webp": {"format": "WEBP", "quality": 95},
    ".tif": {"format": "TIFF", "compression": "tiff_lzw"},
    ".tiff": {"format": "TIFF", "compression": "tiff_lzw"},
}
MAX_SIDES = {"WEBP": 16_383, "JPEG": 65_500}  # format → pixels; the others hold any picture
WHITE = (255, 255, 255)


def save_picture(
    picture: Image.Image,
    path: Path,
    origin: PictureOrigin,
    photograph: Path | None = None,
    background: Colour = WHITE,
) -> None:
    """Save a picture atomically in the format of its path's suffix.

    Args:
        picture: "RGB" or "RGBA".
        path: ends in one of `SAVE_OPTIONS`.
        origin: the model that made the picture, for the metadata.
        photograph: the file that the picture was made from, whose date, camera and resolution are
            kept; None keeps nothing.
        background: of a transparent picture in JPEG, which has no transparency.

    Raises:
        UserError: the file cannot be written, or the disk is full.
    """
    options = SAVE_OPTIONS[path.suffix.lower()]
    extra = kept_metadata(photograph) if photograph else {}
    if options["format"] == "JPEG":
        picture = flatten(picture, background)
    target = resolved(path)  # a link is followed, not replaced
    write_atomically(target, lambda draft: write_picture(picture, draft, options | extra, origin))


def write_picture(
    picture: Image.Image,
    target: Path | IO[bytes],
    options: Mapping[str, Any],
    origin: PictureOrigin | None = None,
) -> None:
    """Encode a picture into a file.

    Args:
        picture: "RGB" or "RGBA".
        target: a path or an open binary file.
        options: arguments of Pillow's `save`, with "format".
        origin: the model that made the picture, for the metadata; None writes none.
    """
    metadata = {}
    if origin:
        metadata = generation_metadata(origin, options["format"], options.get("exif"))
    encodable = flatten(picture) if options["format"] == "JPEG" else picture
    encodable.save(target, **{**options, **metadata})
