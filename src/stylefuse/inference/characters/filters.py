"""Smoothing filters of maps `[height, width]`, or `[height, width, n]` channel by channel."""

import numpy as np

from stylefuse.inference.cosine_transform import gaussian_blur


def blur(x: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur, σ in pixels."""
    if x.ndim == 2:
        return gaussian_blur(np.ascontiguousarray(x), sigma)
    return np.stack([blur(x[..., i], sigma) for i in range(x.shape[-1])], axis=-1)


def guided(x: np.ndarray, guide: np.ndarray, radius: int, noise: float) -> np.ndarray:
    """Smooth a map but for the edges of a guide: the guided filter (He et al. 2013, eq. 5 and 8).

    Args:
        x: `[height, width]`.
        guide: `[height, width]`; x itself preserves its own edges.
        radius: of the window, in pixels.
        noise: variance of the guide that is no edge.
    """
    mean_x, mean_g = _box(x, radius), _box(guide, radius)
    covariance = _box(x * guide, radius) - mean_x * mean_g
    slope = covariance / (_box(guide * guide, radius) - mean_g**2 + noise)
    offset = mean_x - slope * mean_g
    return _box(slope, radius) * guide + _box(offset, radius)


def _box(x: np.ndarray, radius: int) -> np.ndarray:
    """Mean over a square of 2·radius + 1 pixels."""
    size = 2 * radius + 1
    for axis in (0, 1):
        width = [(radius + 1, radius) if i == axis else (0, 0) for i in (0, 1)]
        sums = np.cumsum(np.pad(x, width, mode="symmetric"), axis=axis, dtype=np.float64)
        moved = np.moveaxis(sums, axis, 0)
        x = np.moveaxis((moved[size:] - moved[:-size]) / size, 0, axis)
    return x.astype(np.float32)
