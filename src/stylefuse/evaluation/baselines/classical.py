"""Classical restoration methods, per kind of degradation.

Each method maps a degraded picture, uint8 `[height, width, 3]`, to a restored one of the same
shape, and estimates the strength of the degradation itself. Parameters are those with the highest
PSNR over ten photographs of the training split, at 256 pixels.
"""

from collections.abc import Callable, Sequence
from functools import partial

import cv2
import numpy as np
from scipy.fft import dctn, idctn
from skimage import restoration

SPECTRAL_EXPONENT = 2.5  # the power of a photograph falls as ω^−2.5 (Field 1987: about 2)
ROUNDING_POWER = 0.5  # levels²; weaker frequencies are lost in the rounding to whole levels

Method = Callable[[np.ndarray], np.ndarray]


def blur_width(picture: np.ndarray) -> float:
    """Estimate σ of the Gaussian that blurred a photograph.

    The blur multiplies the power spectrum, ω^−2.5 before, by exp(−σ²ω²). The logarithm of their
    quotient is a line of slope −σ² over ω². Power is averaged over rings of equal ω.

    Args:
        picture: uint8 `[height, width, 3]`.

    Returns:
        0.3 to 4 pixels.
    """
    power = dctn(_grey(picture).astype(np.float32), norm="ortho") ** 2
    squares = _frequency_squares(power.shape)
    rings = np.rint(np.sqrt(squares) * min(power.shape) / np.pi).astype(int).ravel()
    power, squares = (
        np.bincount(rings, values.ravel()) / np.bincount(rings) for values in (power, squares)
    )
    first_lost = np.argmax(np.append(power, 0) < ROUNDING_POWER)
    used = slice(2, max(first_lost, 6))  # the first rings hold the scene, and few values
    quotient = np.log(power[used] + ROUNDING_POWER)
    quotient = quotient + SPECTRAL_EXPONENT / 2 * np.log(squares[used])
    slope, _ = np.polyfit(squares[used], quotient, 1)
    return float(np.clip(np.sqrt(max(-slope, 0)), 0.3, 4))


def _wiener(picture: np.ndarray, noise: float) -> np.ndarray:
    """Wiener filter for a blur of `blur_width`, with mirrored borders.

    Args:
        picture: blurred.
        noise: power of everything but the blurred photograph, over the photograph's at ω = 1.
    """
    squares = _frequency_squares(picture.shape[:2])
    blur = np.exp(-(blur_width(picture) ** 2) * squares / 2)
    gain = blur / (blur**2 + noise * squares ** (SPECTRAL_EXPONENT / 2))
    spectrum = dctn(picture.astype(np.float32), axes=(0, 1), norm="ortho")
    return _levels(idctn(gain[..., None] * spectrum, axes=(0, 1), norm="ortho"))


def _richardson_lucy(picture: np.ndarray, steps: int) -> np.ndarray:
    """Richardson 1972 and Lucy 1974, for a blur of `blur_width`."""
    sigma = blur_width(picture)
    observed = picture.astype(np.float32) + 1  # avoids division by zero
    estimate = observed
    for _ in range(steps):
        estimate = estimate * _gauss(observed / _gauss(estimate, sigma), sigma)
    return _levels(estimate - 1)


def _unsharp(picture: np.ndarray, sigma: float, amount: float) -> np.ndarray:
    """Add the difference to a blur of σ pixels, `amount` times."""
    x = picture.astype(np.float32)
    return _levels(x + amount * (x - _gauss(x, sigma)))


def _wavelet(picture: np.ndarray) -> np.ndarray:
    """BayesShrink (Chang et al. 2000), averaged over 16 shifts (Coifman & Donoho 1995)."""
    options = {"convert2ycbcr": True, "rescale_sigma": True, "channel_axis": -1}
    shrunk = restoration.cycle_spin(
        _unit(picture), restoration.denoise_wavelet, (3, 3, 0), workers=1, func_kw=options
    )
    return _levels(255 * shrunk)


def _non_local(picture: np.ndarray, sigma: float, strength: float) -> np.ndarray:
    """Non-local means (Buades et al. 2005) of patches of 5 pixels, for noise of σ levels."""
    x, sigma = _unit(picture), sigma / 255
    mean = restoration.denoise_nl_means(x, 5, 4, strength * sigma, sigma=sigma, channel_axis=-1)
    return _levels(255 * mean)


def _total_variation(picture: np.ndarray, weight: float) -> np.ndarray:
    """Rudin et al. 1992 with the solver of Chambolle 2004; the weight is in levels."""
    smooth = restoration.denoise_tv_chambolle(
        _unit(picture), weight / 255, max_num_iter=50, channel_axis=-1
    )
    return _levels(255 * smooth)


def _bilateral(picture: np.ndarray, levels: float, pixels: float) -> np.ndarray:
    """Mean weighted by distance (σ in pixels) and by similarity (σ in levels).

    Source: Tomasi & Manduchi 1998.
    """
    return cv2.bilateralFilter(picture, -1, levels, pixels)


def _reapplied_jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """Mean of JPEGs of the shifted picture, with other block borders each (Nosratinia 2001)."""
    height, width = picture.shape[:2]
    padded = cv2.copyMakeBorder(picture[..., ::-1], 8, 8, 8, 8, cv2.BORDER_REFLECT)
    total = np.zeros(picture.shape, np.float32)
    for y, x in 2 * np.argwhere(np.ones((4, 4))):
        _, file = cv2.imencode(".jpg", padded[y:, x:], [cv2.IMWRITE_JPEG_QUALITY, quality])
        decoded = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR))
        total += decoded[8 - y :, 8 - x :][:height, :width]
    return _levels(total[..., ::-1] / 16)


def _inpaint(
    picture: np.ndarray, contrast: np.ndarray, method: int = cv2.INPAINT_NS, min_length: int = 0
) -> np.ndarray:
    """Inpaint the pixels that differ from their surroundings much more than others nearby do.

    Args:
        picture: scratched.
        contrast: float32 `[height, width]`, how much a pixel differs, in levels.
        method: OpenCV's constant for Telea 2004, or for Bertalmio et al. 2001 (Navier-Stokes).
        min_length: pixels; smaller components are detail of the picture and not inpainted.
    """
    candidates = (contrast > 25) & (contrast > 4 * cv2.blur(contrast, (61, 61)))
    _, labels, boxes, _ = cv2.connectedComponentsWithStats(candidates.astype(np.uint8))
    lengths = np.hypot(boxes[:, cv2.CC_STAT_WIDTH], boxes[:, cv2.CC_STAT_HEIGHT])
    mask = candidates & (lengths >= min_length)[labels]
    return cv2.inpaint(picture, cv2.dilate(mask.astype(np.uint8), _disc(3)), 3, method)


def _median_difference(picture: np.ndarray) -> np.ndarray:
    grey = _grey(picture)
    return cv2.absdiff(grey, cv2.medianBlur(grey, 11)).astype(np.float32)


def _hats(picture: np.ndarray) -> np.ndarray:
    """Top hat and black hat: structure too thin for a disc of 5 pixels."""
    grey = _grey(picture)
    bright = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, _disc(5))
    dark = cv2.morphologyEx(grey, cv2.MORPH_BLACKHAT, _disc(5))
    return np.maximum(bright, dark).astype(np.float32)


def _auto_contrast(picture: np.ndarray) -> np.ndarray:
    """Stretch each channel to the range from 0 to 255."""
    low, high = picture.min((0, 1)), picture.max((0, 1))
    return _levels((picture - low) * (255 / np.maximum(high - low, 1)))


def _auto_contrast_and_gamma(picture: np.ndarray) -> np.ndarray:
    """`_auto_contrast`, then a γ per channel that moves its mean halfway to all channels' mean."""
    x = _unit(_auto_contrast(picture))
    mean = np.clip(x.mean((0, 1)), 0.01, 0.99)
    return _levels(255 * x ** np.sqrt(np.log(mean.mean()) / np.log(mean)))


def _clahe(picture: np.ndarray) -> np.ndarray:
    """Contrast-limited adaptive histogram equalisation of the lightness (Zuiderveld 1994)."""
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(1, (4, 4)).apply(lab[..., 0])
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)


def _grey_world(picture: np.ndarray) -> np.ndarray:
    """Scale the channels to one mean (Buchsbaum 1980)."""
    mean = np.maximum(picture.mean((0, 1)), 1)
    return _levels(picture * (mean.mean() / mean))


def _grey_world_and_contrast(picture: np.ndarray) -> np.ndarray:
    grey = _grey_world(picture)
    return _levels((grey - float(grey.min())) * (255 / max(np.ptp(grey), 1)))


def _grey_world_and_colour(picture: np.ndarray) -> np.ndarray:
    """`_grey_world` with 2.5 times the chroma, and the luma of the input."""
    balanced = _grey_world(picture)
    chroma = balanced - _grey(balanced)[..., None].astype(np.float32)
    return _levels(_grey(picture)[..., None] + 2.5 * chroma)


def _desaturate(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(_grey(picture), cv2.COLOR_GRAY2RGB)


def _noise(picture: np.ndarray) -> float:
    """Estimate σ of the noise in levels from the finest wavelets (Donoho & Johnstone 1994)."""
    sigma = restoration.estimate_sigma(picture, average_sigmas=True, channel_axis=-1)
    return float(np.fmax(sigma, 0.1))  # of a flat picture it is NaN


def _grey(picture: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def _frequency_squares(shape: Sequence[int]) -> np.ndarray:
    """ω² of each coefficient of a cosine transform, in (radians per pixel)²."""
    y, x = (np.pi * np.arange(n) / n for n in shape)
    return y[:, None] ** 2 + x**2


def _gauss(x: np.ndarray, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(x, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)


def _levels(x: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(x, 0, 255)).astype(np.uint8)


def _unit(picture: np.ndarray) -> np.ndarray:
    return picture / np.float32(255)


def _disc(side: int) -> np.ndarray:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


CLASSICAL: dict[str, dict[str, Method]] = {  # kind of degradation → name → method
    "blur": {
        "Wiener filter": partial(_wiener, noise=6e-4),
        "Richardson-Lucy": partial(_richardson_lucy, steps=40),
        "unsharp mask": partial(_unsharp, sigma=1, amount=1.2),
    },
    "small": {
        "Wiener filter": partial(_wiener, noise=0.03),
        "Richardson-Lucy": partial(_richardson_lucy, steps=5),
        "unsharp mask": partial(_unsharp, sigma=2, amount=0.5),
    },
    "noise": {
        "wavelet shrinkage": _wavelet,
        "non-local means": lambda picture: _non_local(picture, _noise(picture), 0.6),
        "total variation": lambda picture: _total_variation(picture, 0.8 * _noise(picture)),
        "bilateral filter": lambda picture: _bilateral(picture, 5 * _noise(picture), 2),
    },
    "fading": {
        "auto-contrast": _auto_contrast,
        "auto-contrast and gamma": _auto_contrast_and_gamma,
        "grey world and contrast": _grey_world_and_contrast,
        "CLAHE": _clahe,
    },
    "sepia": {
        "grey world": _grey_world,
        "grey world and colour": _grey_world_and_colour,
        "auto-contrast": _auto_contrast,
        "desaturation": _desaturate,
    },
    "scratches": {
        "hats, Telea": lambda picture: _inpaint(picture, _hats(picture), cv2.INPAINT_TELEA),
        "hats, Navier-Stokes": lambda picture: _inpaint(picture, _hats(picture)),
        "long hats, Navier-Stokes": lambda picture: _inpaint(
            picture, _hats(picture), min_length=24
        ),
        "median difference, Navier-Stokes": lambda picture: _inpaint(
            picture, _median_difference(picture)
        ),
        "median filter": lambda picture: cv2.medianBlur(picture, 5),
    },
    "jpeg": {
        "bilateral filter": partial(_bilateral, levels=25, pixels=3),
        "total variation": partial(_total_variation, weight=2.5),
        "reapplied JPEG": partial(_reapplied_jpeg, quality=55),
        "non-local means": partial(_non_local, sigma=3, strength=1.7),
    },
}
