"""Conversions between uint8 pictures and the float arrays that the networks take."""

import numpy as np

STRIDE = 8  # sides are padded to multiples of this
MIN_SIDE = 32  # pixels; the networks' reflect padding needs as many


def pad(picture: np.ndarray) -> np.ndarray:
    """Mirror the lower and right edges until the sides suit the networks.

    Args:
        picture: `[height, width, channels]`.
    """
    padding = [max(MIN_SIDE - side, 0) or -side % STRIDE for side in picture.shape[:2]]
    return np.pad(picture, [(0, padding[0]), (0, padding[1]), (0, 0)], mode="symmetric")


def to_float(pictures: np.ndarray) -> np.ndarray:
    """uint8 → float32 from −1 to 1."""
    return pictures.astype(np.float32) / 127.5 - 1


def to_uint8(pictures: np.ndarray) -> np.ndarray:
    """Floats from −1 to 1 → uint8; values outside are clipped."""
    return np.rint(np.clip((pictures + 1) * 127.5, 0, 255)).astype(np.uint8)


def random_pictures(count: int, height: int, width: int, seed: int) -> np.ndarray:
    """Pictures of random blots with grain, for comparisons: uint8 `[count, height, width, 3]`."""
    rng = np.random.default_rng(seed)
    blots = rng.integers(0, 256, (count, -(-height // 16), -(-width // 16), 3))
    grain = rng.normal(0, 8, (count, height, width, 3))
    coarse = blots.repeat(16, axis=1).repeat(16, axis=2)[:, :height, :width]
    return np.clip(coarse + grain, 0, 255).astype(np.uint8)
