"""TODO docstring."""

import numpy as np


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Fréchet distance of two Gaussians fitted to features (Heusel et al. 2017, eq. 6).

    With centred features X and Y the trace of the root of both covariances' product is the nuclear
    norm of XYᵀ, scaled: no root of a matrix that few pictures leave singular has to be taken.

    Args:
        a: features `[n, d]`.
        b: features `[m, d]`.
    """
    x, y = a - a.mean(0), b - b.mean(0)
    spread_x, spread_y = (np.square(z).sum() / (len(z) - 1) for z in (x, y))
    cross = np.linalg.norm(x @ y.T, "nuc") / np.sqrt((len(x) - 1) * (len(y) - 1))
    return float(np.square(a.mean(0) - b.mean(0)).sum() + spread_x + spread_y - 2 * cross)
