"""Fréchet inception distance (FID)."""

import numpy as np


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Compute the Fréchet distance of two Gaussians fitted to features (Heusel et al. 2017, eq. 6).

    With centred features X and Y, the trace of the square root of the product of both covariances
    equals the scaled nuclear norm of XYᵀ. This avoids the square root of a matrix that is singular
    when there are fewer pictures than features.

    Args:
        a: features, float64 `[n, d]`.
        b: features, float64 `[m, d]`.
    """
    x, y = a - a.mean(0), b - b.mean(0)
    variance_x, variance_y = (np.square(z).sum() / (len(z) - 1) for z in (x, y))
    covariance_root = np.linalg.norm(x @ y.T, "nuc") / np.sqrt((len(x) - 1) * (len(y) - 1))
    mean_difference = np.square(a.mean(0) - b.mean(0)).sum()
    return float(mean_difference + variance_x + variance_y - 2 * covariance_root)
