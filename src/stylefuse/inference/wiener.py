"""A Wiener filter that estimates blur and noise from the picture itself, on NumPy alone.

A photograph's power spectrum is about A·ω^−2.5 (Field 1987). A Gaussian blur of σ pixels
multiplies it by exp(−σ²ω²), and white noise adds its variance N to every coefficient of an
orthonormal cosine transform. The filter (Wiener 1949) inverts the blur where the photograph is
stronger than the noise, and removes what is not.
"""

from functools import lru_cache

import numpy as np

SPECTRAL_EXPONENT = 2.5
ROUNDING_POWER = 0.5  # levels²; weaker frequencies are lost in the rounding to whole levels
MIN_NOISE = 6e-4  # relative to the photograph's power at ω = 1: errors of this very model
LOST = 4.0  # a ring with less than this many times the power of the noise is not fitted
SLOPE_WEIGHT = 0.06  # ridge regression of σ²: no blur, if few rings are left to tell it
MAX_SIGMA = 4.0  # pixels


def blur_sigma(spectrum: np.ndarray, noise: float) -> float:
    """Estimate the σ of the Gaussian that blurred a plane of a photograph, in pixels.

    Args:
        spectrum: orthonormal DCT of the plane, in levels.
        noise: σ of the white noise, in levels.
    """
    power, squares, used = _rings_above_noise(spectrum, noise)
    logs = _log_amplitudes(power, squares, noise)[used]
    x = squares[used] - squares[used].mean()
    slope = (x * (logs - logs.mean())).sum() / ((x**2).sum() + SLOPE_WEIGHT)
    return float(np.clip(np.sqrt(max(-slope, 0)), 0.3, MAX_SIGMA))


def wiener_gain(spectrum: np.ndarray, sigma: float, noise: float) -> np.ndarray:
    """The filter's factor of each coefficient.

    Args:
        spectrum: see `blur_sigma`.
        sigma: of the blur, pixels.
        noise: σ of the white noise, levels.

    Returns:
        float32 of the spectrum's shape.
    """
    power, squares, used = _rings_above_noise(spectrum, noise)
    logs = _log_amplitudes(power, squares, noise) + sigma**2 * squares
    relative = max(noise**2 / np.exp(logs[used].mean()), MIN_NOISE)
    blur = np.multiply.outer(
        *(
            np.exp(-0.5 * (sigma * np.pi / n * np.arange(n)) ** 2).astype(np.float32)
            for n in spectrum.shape
        )
    )
    return blur / (blur**2 + np.float32(relative) * _inverse_prior(spectrum.shape))


def _rings_above_noise(spectrum, noise):
    """Mean power and ω² of rings of equal ω, and the slice of those that rise above the noise."""
    index, counts, squares = _rings(spectrum.shape)
    power = np.bincount(index, np.square(spectrum).ravel(), len(counts)) / counts
    lost = power < max(ROUNDING_POWER, LOST * noise**2)
    first_lost = int(np.argmax(np.append(lost[2:], True))) + 2
    return power, squares, slice(2, max(first_lost, 6))  # the first rings hold the scene


def _log_amplitudes(power, squares, noise):
    """ln of what would be A without blur."""
    rest = np.maximum(power - noise**2, 0.1 * power) + ROUNDING_POWER
    return np.log(rest) + SPECTRAL_EXPONENT / 2 * np.log(np.maximum(squares, 1e-9))


@lru_cache(maxsize=8)
def _rings(shape):
    """The ring of each coefficient, the rings' sizes, and their mean ω²."""
    squares = _squares(shape)
    index = np.rint(np.sqrt(squares) * (min(shape) / np.pi)).astype(np.int32).ravel()
    counts = np.maximum(np.bincount(index), 1)
    return index, counts, np.bincount(index, squares.ravel()) / counts


@lru_cache(maxsize=8)
def _inverse_prior(shape):
    """ω^2.5 of each coefficient."""
    return _squares(shape) ** np.float32(SPECTRAL_EXPONENT / 2)


def _squares(shape):
    y, x = ((np.pi / n * np.arange(n, dtype=np.float32)) ** 2 for n in shape)
    return y[:, None] + x
