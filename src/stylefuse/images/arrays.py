"""TODO docstring."""

import numpy as np

STRIDE = 8  # sides are padded to multiples of this


LEAST = 32  # reflect padding inside the networks needs this many pixels


def pad(picture: np.ndarray) -> np.ndarray:
    """Mirror the lower and right edges until the sides suit the networks."""
    more = [max(LEAST - n, 0) or -n % STRIDE for n in picture.shape[:2]]
    return np.pad(picture, [(0, more[0]), (0, more[1]), (0, 0)], mode="symmetric")


def to_float(pictures: np.ndarray) -> np.ndarray:
    """uint8 → float32 from −1 to 1."""
    return pictures.astype(np.float32) / 127.5 - 1


def to_levels(pictures: np.ndarray) -> np.ndarray:
    """Floats around −1…1 → uint8."""
    return np.rint(np.clip((pictures + 1) * 127.5, 0, 255)).astype(np.uint8)
