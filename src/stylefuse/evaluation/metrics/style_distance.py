"""Distance between style statistics."""

import numpy as np


def style_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Compute the Euclidean distance of style statistics (after Huang & Belongie 2017, eq. 13).

    Args:
        a: means and deviations of early feature maps, `[n, d]`.
        b: the same of other pictures, `[n, d]`.

    Returns:
        `[n]`
    """
    return np.linalg.norm(a - b, axis=1)
