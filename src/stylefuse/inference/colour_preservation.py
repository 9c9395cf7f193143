"""A painting in its content's own colours: two ways (Gatys et al. 2016, "Preserving Color in Neural
Artistic Style Transfer")."""

import numpy as np
from PIL import Image

from stylefuse.inference.options import Preserve

LEAST = 1e-3  # of a variance in 0…1: a picture of one colour has no direction to be stretched along


def preserve_colour(painted: Image.Image, content: Image.Image, way: Preserve) -> Image.Image:
    """Give a painting the colours of its content.

    Args:
        painted: "RGB".
        content: "RGB", of the same size.
        way: "luminance" takes light and shade from the painting and all colour from the content,
            place by place; "match" gives the painting's colours the mean and the covariance of the
            content's, so that a stroke may still cross an edge; "none" changes nothing.
    """
    if way == "luminance":
        light = painted.convert("YCbCr").getchannel(0)
        chroma = content.convert("YCbCr").split()[1:]
        return Image.merge("YCbCr", (light, *chroma)).convert("RGB")
    if way == "match":
        return Image.fromarray(matched(np.asarray(painted), np.asarray(content)))
    return painted


def matched(picture: np.ndarray, like: np.ndarray) -> np.ndarray:
    """A picture's colours after the linear map that gives them the mean and the covariance of
    another's (Gatys et al. 2016, section 3, with symmetric roots).

    Args:
        picture: uint8 `[height, width, 3]`.
        like: uint8 `[height, width, 3]` of any size.

    Returns:
        uint8 of the picture's shape.
    """
    colours, wanted = (x.reshape(-1, 3) / 255 for x in (picture, like))
    change = _root(wanted, 0.5) @ _root(colours, -0.5)
    mapped = (colours - colours.mean(0)) @ change.T + wanted.mean(0)
    return np.rint(np.clip(mapped * 255, 0, 255)).astype(np.uint8).reshape(picture.shape)


def _root(colours: np.ndarray, power: float) -> np.ndarray:
    """A power of the covariance matrix of colours `[n, 3]`."""
    values, vectors = np.linalg.eigh(np.cov(colours.T, bias=True))
    return (vectors * np.maximum(values, LEAST) ** power) @ vectors.T
