"""Files that a page gives away."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from stylefuse.images.metadata import PictureOrigin, generation_metadata


def write_download(
    picture: Image.Image, origin: PictureOrigin, settings: Mapping[str, Any], name: str
) -> Path:
    """Write a PNG that says how it was made, into a folder of its own.

    Args:
        picture: "RGB" or "RGBA".
        origin: the model that made it.
        settings: the model's version and the options.
        name: of the file, without suffix.
    """
    how = generation_metadata(origin, "PNG")
    how["pnginfo"].add_itxt("stylefuse", json.dumps(settings, sort_keys=True))
    path = Path(tempfile.mkdtemp(prefix="stylefuse-")) / f"{name}.png"
    picture.save(path, "PNG", **how)
    return path
