"""Files for download: pictures whose metadata say how they were made."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from stylefuse.images.metadata import PictureOrigin, generation_metadata

SETTINGS_KEY = "stylefuse"  # of the PNG text chunk with the settings as JSON


def write_download(
    picture: Image.Image, origin: PictureOrigin, settings: Mapping[str, Any], name: str
) -> Path:
    """Write a PNG with the settings in its metadata, to a new temporary folder.

    Args:
        picture: "RGB" or "RGBA".
        origin: the model that made it.
        settings: the model's version and the options.
        name: of the file, without suffix.

    Returns:
        The file's path.
    """
    metadata = generation_metadata(origin, "PNG")
    metadata["pnginfo"].add_itxt(SETTINGS_KEY, json.dumps(settings, sort_keys=True))
    path = Path(tempfile.mkdtemp(prefix="stylefuse-")) / f"{name}.png"
    picture.save(path, "PNG", **metadata)
    return path
