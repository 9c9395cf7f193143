"""Filling of holes from what is around them, on NumPy alone."""

import numpy as np


def fill_holes(picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
    """Fill a part of a picture smoothly from its surroundings.

    This is the pull-push algorithm (Gortler et al. 1996, section 3.4): known pixels are averaged
    over ever larger blocks, and each unknown pixel takes the value of the smallest block that has
    any. It continues colours, and invents no texture.

    Args:
        picture: uint8 `[height, width, 3]`.
        hole: float `[height, width]`, 1 where the picture is unknown and 0 where it is known.

    Returns:
        uint8 of the picture's shape: the picture itself where `hole` is 0. If nothing is known,
        the picture.
    """
    known = (1 - hole).astype(np.float32)[..., None]
    if not known.any():
        return picture
    filled = _pull_push(picture * known, known)
    mixed = picture * known + filled * (1 - known)
    return np.rint(np.clip(mixed, 0, 255)).astype(np.uint8)


def _pull_push(total: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted means of a map at every place; `total` is the map times its weights."""
    mean = total / np.maximum(weight, 1e-6)
    height, width = weight.shape[:2]
    if (height, width) == (1, 1) or weight.min() >= 1:
        return mean
    halves = [np.pad(x, [(0, height % 2), (0, width % 2), (0, 0)]) for x in (total, weight)]
    halves = [x[::2, ::2] + x[1::2, ::2] + x[::2, 1::2] + x[1::2, 1::2] for x in halves]
    saturated = np.minimum(halves[1], 1)  # a block with one known pixel is known
    coarse = _pull_push(halves[0] * (saturated / np.maximum(halves[1], 1e-6)), saturated)
    return weight * mean + (1 - weight) * _doubled(coarse)[:height, :width]


def _doubled(x: np.ndarray) -> np.ndarray:
    """Linear interpolation to twice the size: ¾ of the nearest pixel and ¼ of the next one."""
    for axis in (0, 1):
        edge = [(1, 1) if i == axis else (0, 0) for i in range(3)]
        padded = np.moveaxis(np.pad(x, edge, "edge"), axis, 0)
        before, here, after = padded[:-2], padded[1:-1], padded[2:]
        pairs = np.stack([0.75 * here + 0.25 * before, 0.75 * here + 0.25 * after], axis=1)
        x = np.moveaxis(pairs.reshape(-1, *pairs.shape[2:]), 0, axis)
    return x
