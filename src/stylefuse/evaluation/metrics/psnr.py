"""Peak signal-to-noise ratio."""

import numpy as np

ROUNDING_VARIANCE = 1 / 12  # mean squared error of rounding to whole levels


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Compute the peak signal-to-noise ratio over all channels: 10 log₁₀(255² / MSE).

    Args:
        a: uint8 `[height, width, 3]`.
        b: the same shape.

    Returns:
        Decibels, at most 58.9: the error of rounding to whole levels is the floor of the MSE.
    """
    mean_squared_error = np.square(a.astype(np.float64) - b).mean()
    return float(10 * np.log10(255**2 / max(mean_squared_error, ROUNDING_VARIANCE)))
