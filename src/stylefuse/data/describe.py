"""What the manifest says of a picture's content."""

import hashlib

import imagehash
import numpy as np

from stylefuse.errors import UserError
from stylefuse.images.open import flatten, open_picture


def describe(data: bytes) -> dict:
    """The columns of the manifest that depend on a picture's content.

    Args:
        data: the file's bytes.

    Returns:
        Size in pixels, mode, format and bytes; SHA-256; a 64-bit perceptual hash; mean and standard
        deviation of the luminance (0 to 255); whether the picture decodes, and if not, the error.
    """
    row = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    unknown = {"width": 0, "height": 0, "mode": "", "format": "", "phash": "0" * 16,
               "luminance": np.nan, "luminance_deviation": np.nan}  # fmt: skip
    try:
        picture = open_picture(data)
    except UserError as error:
        return row | unknown | {"decodes": False, "error": str(error)}
    grey = flatten(picture).convert("L")
    luminance = np.asarray(grey, np.float64)
    return row | {
        "width": picture.width,
        "height": picture.height,
        "mode": picture.info["mode"],
        "format": picture.info["format"],
        "phash": str(imagehash.phash(grey)),
        "luminance": round(float(luminance.mean()), 3),
        "luminance_deviation": round(float(luminance.std()), 3),
        "decodes": True,
        "error": "",
    }
