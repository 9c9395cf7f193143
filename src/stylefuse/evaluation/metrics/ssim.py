"""Structural similarity: of luminance, of colour channels, and of low frequencies only."""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity


def luminance(picture: np.ndarray) -> np.ndarray:
    """Convert uint8 RGB to ITU-R 601 luma, float64 `[height, width]`, 0 to 255."""
    return np.asarray(Image.fromarray(picture).convert("L"), np.float64)


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Compute the structural similarity of two luminances (Wang et al. 2004, eq. 13).

    The window is a Gaussian of σ 1.5, the data range 255. Well-painted texture lowers SSIM: it
    measures how much a picture changed, not how good the change is.

    Args:
        a: uint8 `[height, width, 3]`.
        b: the same shape.

    Returns:
        −1 to 1; 1 for equal pictures.
    """
    return _channel_ssim(luminance(a), luminance(b))


def colour_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Compute the mean of `ssim` over red, green and blue, which is sensitive to wrong colours."""
    channels = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)
    return float(np.mean([_channel_ssim(*pair) for pair in zip(*channels, strict=True)]))


def low_pass_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Compute `ssim` after a Gaussian blur with σ of a twentieth of the width.

    It measures whether the scene is preserved, and ignores brushwork.
    """
    sigma = a.shape[1] / 20
    return _channel_ssim(*(gaussian_filter(luminance(p), sigma, mode="reflect") for p in (a, b)))


def _channel_ssim(a: np.ndarray, b: np.ndarray) -> float:
    return float(
        structural_similarity(
            a, b, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )
