"""The orthonormal discrete cosine transform, and Gaussian blur by it, on NumPy alone."""

import numpy as np


def dct(x: np.ndarray, axis: int) -> np.ndarray:
    """DCT-II along an axis, orthonormal, by one real FFT of the same length (Makhoul 1980).

    Args:
        x: float32 or float64.
        axis: of the transform.
    """
    x = np.moveaxis(x, axis, -1)
    length = x.shape[-1]
    reordered = np.concatenate([x[..., ::2], x[..., 1::2][..., ::-1]], axis=-1)
    spectrum = np.fft.rfft(reordered)  # the other half is conjugate
    turned = spectrum * _twiddle(length, x.dtype)[: spectrum.shape[-1]]
    mirrored = -turned.imag[..., 1 : (length + 1) // 2][..., ::-1]
    coefficients = np.concatenate([turned.real, mirrored], axis=-1) * np.sqrt(2 / length)
    coefficients[..., 0] /= np.sqrt(2)
    return np.moveaxis(coefficients.astype(x.dtype, copy=False), -1, axis)


def idct(coefficients: np.ndarray, axis: int) -> np.ndarray:
    """The inverse of `dct`."""
    c = np.moveaxis(coefficients, axis, -1) / np.sqrt(2 / coefficients.shape[axis])
    length = c.shape[-1]
    c[..., 0] *= np.sqrt(2)
    half = length // 2 + 1
    mirrored = np.zeros_like(c[..., :half])
    mirrored[..., 1:] = c[..., : length - half : -1] if length > 1 else 0
    spectrum = (c[..., :half] - 1j * mirrored) * _twiddle(length, c.dtype)[:half].conj()
    reordered = np.fft.irfft(spectrum, length)
    x = np.empty_like(reordered)
    x[..., ::2] = reordered[..., : (length + 1) // 2]
    x[..., 1::2] = reordered[..., (length + 1) // 2 :][..., ::-1]
    return np.moveaxis(x.astype(coefficients.dtype, copy=False), -1, axis)


def gaussian_blur(x: np.ndarray, sigma: float) -> np.ndarray:
    """Blur a map `[height, width]`, mirrored at its borders, by a Gaussian of σ pixels."""
    for axis in (0, 1):
        frequencies = np.pi * np.arange(x.shape[axis]) / x.shape[axis]
        response = np.exp(-0.5 * (sigma * frequencies) ** 2).astype(x.dtype)
        x = idct(dct(x, axis) * np.expand_dims(response, 1 - axis), axis)
    return x


def _twiddle(length: int, dtype: np.dtype) -> np.ndarray:
    kind = np.complex64 if dtype == np.float32 else np.complex128
    return np.exp(-0.5j * np.pi * np.arange(length) / length).astype(kind)
