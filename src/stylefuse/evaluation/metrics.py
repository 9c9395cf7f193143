"""The numbers that judge a painted picture. Pictures are uint8 `[height, width, 3]`."""

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.metrics import structural_similarity

PATCH = 32  # side of the patches of `patch_retrieval`, pixels


def luminance(picture: np.ndarray) -> np.ndarray:
    """ITU-R 601 luma, float64 `[height, width]`, 0 to 255."""
    return np.asarray(Image.fromarray(picture).convert("L"), np.float64)


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Structural similarity of two luminances (Wang et al. 2004, eq. 13), −1 to 1.

    Gaussian window of σ 1.5, data range 255. A texture that is painted well lowers it: it says
    how much was changed, not how good the change is.
    """
    return _ssim(luminance(a), luminance(b))


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal to noise of all channels, decibels: 10 log₁₀(255² / mean squared difference).

    At most 58.9, what rounding to levels leaves of a perfect answer.
    """
    squares = np.square(a.astype(np.float64) - b).mean()
    return float(10 * np.log10(255**2 / max(squares, 1 / 12)))


def colour_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """The mean of `ssim` over red, green and blue, which sees what is wrong with colours too."""
    channels = np.moveaxis(a, -1, 0), np.moveaxis(b, -1, 0)
    return float(np.mean([_ssim(*pair) for pair in zip(*channels, strict=True)]))


def low_pass_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """`ssim` after a Gaussian blur of a twentieth of the width: is the scene still the scene?"""
    sigma = a.shape[1] / 20
    return _ssim(*(gaussian_filter(luminance(p), sigma, mode="reflect") for p in (a, b)))


def patch_retrieval(output: np.ndarray, content: np.ndarray) -> float:
    """Share of the output's patches whose best match in the content lies at the same place.

    Patches of 32×32 pixels are compared by the correlation of their luminances, which brightness
    and contrast do not change; chance is one over the number of patches.
    """
    ours, theirs = (_standard_patches(luminance(picture)) for picture in (output, content))
    nearest = (ours @ theirs.T).argmax(axis=1)
    return float((nearest == np.arange(len(ours))).mean())


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


def kernel_distance(
    a: np.ndarray, b: np.ndarray, size: int, subsets: int, seed: int
) -> tuple[float, float]:
    """Kernel distance: unbiased squared MMD with the kernel (x·y/d + 1)³ (Bińkowski et al. 2018).

    Args:
        a: features `[n, d]`.
        b: features `[m, d]`.
        size: rows in a subset, at most all.
        subsets: how many random subsets are averaged.
        seed: draws the subsets.

    Returns:
        Mean and standard deviation over the subsets.
    """
    size = min(size, len(a), len(b))
    stream = np.random.default_rng(seed)
    values = []
    for _ in range(subsets):
        x = a[stream.choice(len(a), size, replace=False)]
        y = b[stream.choice(len(b), size, replace=False)]
        within = sum(k.sum() - np.trace(k) for k in (_kernel(x, x), _kernel(y, y)))
        values.append(within / (size * (size - 1)) - 2 * _kernel(x, y).mean())
    return float(np.mean(values)), float(np.std(values))


def style_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distance of style statistics (after Huang & Belongie 2017, eq. 13), per row.

    Args:
        a: means and deviations of early feature maps, `[n, d]`.
        b: the same of other pictures.
    """
    return np.linalg.norm(a - b, axis=1)


def _ssim(a: np.ndarray, b: np.ndarray) -> float:
    return float(
        structural_similarity(
            a, b, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3


def _standard_patches(picture: np.ndarray) -> np.ndarray:
    rows, columns = (n // PATCH for n in picture.shape)
    cut = picture[: rows * PATCH, : columns * PATCH].reshape(rows, PATCH, columns, PATCH)
    patches = cut.transpose(0, 2, 1, 3).reshape(rows * columns, PATCH * PATCH)
    patches = patches - patches.mean(axis=1, keepdims=True)
    return patches / (np.linalg.norm(patches, axis=1, keepdims=True) + 1e-6)
