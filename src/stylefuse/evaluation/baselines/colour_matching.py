"""Colour matching: the style's colour statistics, and no brushwork."""

import numpy as np

from stylefuse.images.colour import OPPONENT


def match_colours(contents: np.ndarray, styles: np.ndarray) -> np.ndarray:
    """Give each content its style's mean and deviation per opponent colour (after Reinhard 2001).

    The transfer model starts from the same operation. The comparison shows what it adds.

    Args:
        contents: uint8 `[n, height, width, 3]`.
        styles: uint8 `[n, height, width, 3]`.

    Returns:
        uint8 `[n, height, width, 3]`
    """
    x, y = (pictures.astype(np.float32) @ OPPONENT for pictures in (contents, styles))
    (x_mean, x_deviation), (y_mean, y_deviation) = _moments(x), _moments(y)
    matched = (x - x_mean) / (x_deviation + 1e-3) * y_deviation + y_mean
    return np.rint(np.clip(matched @ OPPONENT.T, 0, 255)).astype(np.uint8)


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x.mean(axis=(1, 2), keepdims=True), x.std(axis=(1, 2), keepdims=True)
