"""Keeping the content's colours in a stylised picture.

Both methods are from Gatys et al. 2016, "Preserving Color in Neural Artistic Style Transfer".
"""

import numpy as np
from PIL import Image

from stylefuse.inference.options import PreserveColor

MIN_VARIANCE = 1e-3  # of colours in 0…1; bounds the stretching of nearly uniform colours


def preserve_colour(
    painted: Image.Image, content: Image.Image, method: PreserveColor
) -> Image.Image:
    """Give a stylised picture the colours of its content.

    Args:
        painted: "RGB".
        content: "RGB", of the same size.
        method: "luminance" combines the stylised picture's luma with the content's chroma, pixel by
            pixel; "match" gives the stylised colours the mean and the covariance of the content's,
            so that a stroke may still cross an edge; "none" changes nothing.
    """
    if method == "luminance":
        luma = painted.convert("YCbCr").getchannel(0)
        chroma = content.convert("YCbCr").split()[1:]
        return Image.merge("YCbCr", (luma, *chroma)).convert("RGB")
    if method == "match":
        return Image.fromarray(match_colour_distribution(np.asarray(painted), np.asarray(content)))
    return painted


def match_colour_distribution(picture: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Map a picture's colours linearly to the mean and the covariance of a reference's.

    The map is that of Gatys et al. 2016, section 3, with symmetric matrix roots.

    Args:
        picture: uint8 `[height, width, 3]`.
        reference: uint8 `[height, width, 3]` of any size.

    Returns:
        uint8 of the picture's shape.
    """
    colours, target = (x.reshape(-1, 3) / 255 for x in (picture, reference))
    transform = _covariance_power(target, 0.5) @ _covariance_power(colours, -0.5)
    mapped = (colours - colours.mean(0)) @ transform.T + target.mean(0)
    return np.rint(np.clip(mapped * 255, 0, 255)).astype(np.uint8).reshape(picture.shape)


def _covariance_power(colours: np.ndarray, power: float) -> np.ndarray:
    """A power of the covariance matrix of colours `[n, 3]`."""
    values, vectors = np.linalg.eigh(np.cov(colours.T, bias=True))
    return (vectors * np.maximum(values, MIN_VARIANCE) ** power) @ vectors.T
