"""TODO docstring."""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity


def luminance(picture: np.ndarray) -> np.ndarray:
    """ITU-R 601 luma, float64 `[height, width]`, 0 to 255."""
    return np.asarray(Image.fromarray(picture).convert("L"), np.float64)


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Structural similarity of two luminances (Wang et al. 2004, eq. 13), −1 to 1.

    Gaussian window of σ 1.5, data range 255. A texture that is painted well lowers it: it says
    how much was changed, not how good the change is.
    """
    return _ssim(luminance(a), luminance(b))


def colour_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """The mean of `ssim` over red, green and blue, which sees what is wrong with colours too."""
    channels = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)
    return float(np.mean([_ssim(*pair) for pair in zip(*channels, strict=True)]))


def low_pass_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """`ssim` after a Gaussian blur of a twentieth of the width: is the scene still the scene?"""
    sigma = a.shape[1] / 20
    return _ssim(*(gaussian_filter(luminance(p), sigma, mode="reflect") for p in (a, b)))


def _ssim(a: np.ndarray, b: np.ndarray) -> float:
    return float(
        structural_similarity(
            a, b, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )
