"""Pictures, written in the format of a path's suffix with metadata that says what made them."""

from pathlib import Path
from typing import Any

from PIL import Image

from stylefuse.fileio import write_atomically
from stylefuse.images.metadata import PictureOrigin, generation_metadata
from stylefuse.images.open import flatten

WRITTEN: dict[str, dict[str, Any]] = {  # suffix → how Pillow saves it
    ".png": {"format": "PNG"},
    ".jpg": {"format": "JPEG", "quality": 95},
    ".jpeg": {"format": "JPEG", "quality": 95},
    ".webp": {"format": "WEBP", "quality": 95},
    ".tif": {"format": "TIFF", "compression": "tiff_lzw"},
    ".tiff": {"format": "TIFF", "compression": "tiff_lzw"},
}


def save_picture(picture: Image.Image, path: Path, origin: PictureOrigin) -> None:
    """Write a picture in the format of its path's suffix; all it says of itself is what made it.

    JPEG has no transparency: what is see-through is laid over mid-grey. A file that was there is
    replaced only once the new one is whole.

    Args:
        picture: "RGB" or "RGBA".
        path: ends in one of `WRITTEN`.
        origin: the model that made the picture, for the file's metadata.

    Raises:
        UserError: the disk or the folder does not take it.
    """
    how = WRITTEN[path.suffix.lower()]
    how = how | generation_metadata(origin, how["format"])
    shown = flatten(picture) if how["format"] == "JPEG" else picture
    write_atomically(path, lambda draft: shown.save(draft, **how))
