"""TODO docstring."""

import numpy as np


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal to noise of all channels, decibels: 10 log₁₀(255² / mean squared difference).

    At most 58.9, what rounding to levels leaves of a perfect answer.
    """
    squares = np.square(a.astype(np.float64) - b).mean()
    return float(10 * np.log10(255**2 / max(squares, 1 / 12)))
