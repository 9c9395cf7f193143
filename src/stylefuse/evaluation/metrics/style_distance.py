"""TODO docstring."""

import numpy as np


def style_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distance of style statistics (after Huang & Belongie 2017, eq. 13), per row.

    Args:
        a: means and deviations of early feature maps, `[n, d]`.
        b: the same of other pictures.
    """
    return np.linalg.norm(a - b, axis=1)
