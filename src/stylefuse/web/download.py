"""Files that a page gives away."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from stylefuse.models.recipe import Recipe
from stylefuse.serving.metadata import made_by


def write_download(
    picture: Image.Image, recipe: Recipe, told: Mapping[str, Any], name: str
) -> Path:
    """Write a PNG that says how it was made, into a folder of its own.

    Args:
        picture: "RGB" or "RGBA".
        recipe: of the model that made it.
        told: the model's version and the dials.
        name: of the file, without suffix.
    """
    how = made_by(recipe, "PNG")
    how["pnginfo"].add_itxt("stylefuse", json.dumps(told, sort_keys=True))
    path = Path(tempfile.mkdtemp(prefix="stylefuse-")) / f"{name}.png"
    picture.save(path, "PNG", **how)
    return path
