"""Enlarging what was painted at a smaller size, with the edges of the content."""

import numpy as np
from PIL import Image

from stylefuse.images.colour import LUMA

WINDOW = 4  # pixels of the small picture around each one
NOISE = 30.0  # variance in levels² that is no edge: grain and texture finer than a stroke
MAX_GAIN = 1.5
ROWS = 512  # of the result, enlarged at a time


def enlarge(painted: Image.Image, small: Image.Image, content: Image.Image) -> Image.Image:
    """Enlarge a painted picture to its content's size.

    Interpolation alone would blur edges. The painted picture is locally regressed on the small
    content, as in the guided filter (He et al. 2013, eq. 5), and what the content has beyond its
    small copy is added with the slope as its gain. Scaled down again, the result is the painted
    picture.

    Args:
        painted: "RGB".
        small: the content that was painted, "RGB" of the same size.
        content: the same at full size, "RGB".

    Returns:
        "RGB" of the content's size. A picture that was painted larger is scaled down.
    """
    if painted.size == content.size:
        return painted
    if painted.width > content.width:
        return painted.resize(content.size, Image.Resampling.LANCZOS)
    gain = Image.fromarray(_edge_gain(painted, small))
    result = Image.new("RGB", content.size)
    scale = painted.height / content.height
    for top in range(0, content.height, ROWS):
        bottom = min(top + ROWS, content.height)
        size, box = (content.width, bottom - top), (0, top * scale, painted.width, bottom * scale)
        strip = content.crop((0, top, content.width, bottom))
        smooth, base = (
            np.asarray(picture.resize(size, Image.Resampling.BICUBIC, box), np.float32)
            for picture in (small, painted)
        )
        luma = _luma(np.asarray(strip, np.float32) - smooth)
        gains = np.asarray(gain.resize(size, Image.Resampling.BILINEAR, box))
        levels = np.rint(np.clip(base + (gains * luma)[..., None], 0, 255)).astype(np.uint8)
        result.paste(Image.fromarray(levels), (0, top))
    return result


def _edge_gain(painted: Image.Image, small: Image.Image) -> np.ndarray:
    """The slope of the painted luminance over the content's around each pixel, 0…MAX_GAIN."""
    x, y = (_luma(np.asarray(picture, np.float32)) for picture in (small, painted))
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    variance = _window_mean(x * x) - mean_x**2
    covariance = _window_mean(x * y) - mean_x * mean_y
    return np.clip(covariance / (variance + NOISE), 0, MAX_GAIN).astype(np.float32)


def _luma(rgb: np.ndarray) -> np.ndarray:
    luma: np.ndarray = rgb @ LUMA
    return luma


def _window_mean(x: np.ndarray) -> np.ndarray:
    """Mean over a square of 2·WINDOW + 1 pixels."""
    size = 2 * WINDOW + 1
    for axis in (0, 1):
        width = [(WINDOW + 1, WINDOW) if i == axis else (0, 0) for i in (0, 1)]
        sums = np.cumsum(np.pad(x, width, mode="symmetric"), axis=axis, dtype=np.float64)
        x = _lagged_difference(sums, size, axis) / size
    return x


def _lagged_difference(x: np.ndarray, lag: int, axis: int) -> np.ndarray:
    moved = np.moveaxis(x, axis, 0)
    return np.moveaxis(moved[lag:] - moved[:-lag], 0, axis)
