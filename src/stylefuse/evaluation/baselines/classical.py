"""What a restoring network is held against: the best methods that nobody had to train.

Each takes a damaged picture, uint8 `[height, width, 3]`, and nothing else, and gives back one of
the same shape; how strong the damage is, it has to guess. Parameters are those that gained most
PSNR over ten photographs of the training split, at 256 pixels.
"""

from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from scipy.fft import dctn, idctn
from skimage import restoration

FALL = 2.5  # the power of a photograph falls as ω^−FALL (Field 1987: about 2)
ROUNDING = 0.5  # levels²; weaker frequencies drown in the rounding to whole levels


def blur_width(picture: np.ndarray) -> float:
    """σ of the Gaussian that blurred a photograph, 0.3 to 4 pixels.

    The blur multiplies the power spectrum, ω^−FALL before, by exp(−σ²ω²): over ω², the logarithm
    of their quotient is a line of slope −σ². Power is averaged over rings of equal ω.
    """
    power = dctn(_light(picture).astype(np.float32), norm="ortho") ** 2
    squares = _frequency_squares(power.shape)
    rings = np.rint(np.sqrt(squares) * min(power.shape) / np.pi).astype(int).ravel()
    power, squares = (
        np.bincount(rings, values.ravel()) / np.bincount(rings) for values in (power, squares)
    )
    drowned = np.argmax(np.append(power, 0) < ROUNDING)
    used = slice(2, max(drowned, 6))  # the first rings hold the scene, and few values
    quotient = np.log(power[used] + ROUNDING) + FALL / 2 * np.log(squares[used])
    slope, _ = np.polyfit(squares[used], quotient, 1)
    return float(np.clip(np.sqrt(max(-slope, 0)), 0.3, 4))


def _wiener(picture, noise):
    """Wiener's filter for a blur of `blur_width`, at borders that mirror.

    Args:
        noise: power of all that is no blurred photograph, over the photograph's at ω = 1.
    """
    squares = _frequency_squares(picture.shape[:2])
    blur = np.exp(-(blur_width(picture) ** 2) * squares / 2)
    gain = blur / (blur**2 + noise * squares ** (FALL / 2))
    spectrum = dctn(picture.astype(np.float32), axes=(0, 1), norm="ortho")
    return _levels(idctn(gain[..., None] * spectrum, axes=(0, 1), norm="ortho"))


def _richardson_lucy(picture, steps):
    """Richardson 1972 and Lucy 1974, for a blur of `blur_width`."""
    sigma = blur_width(picture)
    seen = picture.astype(np.float32) + 1  # the quotient needs light everywhere
    guess = seen
    for _ in range(steps):
        guess = guess * _gauss(seen / _gauss(guess, sigma), sigma)
    return _levels(guess - 1)


def _unsharp(picture, sigma, amount):
    """Add what a blur of σ pixels takes away, `amount` times."""
    x = picture.astype(np.float32)
    return _levels(x + amount * (x - _gauss(x, sigma)))


def _wavelet(picture):
    """BayesShrink (Chang et al. 2000), averaged over 16 shifts (Coifman & Donoho 1995)."""
    options = {"convert2ycbcr": True, "rescale_sigma": True, "channel_axis": -1}
    shrunk = restoration.cycle_spin(
        _unit(picture), restoration.denoise_wavelet, (3, 3, 0), workers=1, func_kw=options
    )
    return _levels(255 * shrunk)


def _non_local(picture, sigma, strength):
    """Non-local means (Buades et al. 2005) of patches of 5 pixels, for noise of σ levels."""
    x, sigma = _unit(picture), sigma / 255
    mean = restoration.denoise_nl_means(x, 5, 4, strength * sigma, sigma=sigma, channel_axis=-1)
    return _levels(255 * mean)


def _total_variation(picture, weight):
    """Rudin et al. 1992, as Chambolle 2004 solves it; the weight is in levels."""
    smooth = restoration.denoise_tv_chambolle(
        _unit(picture), weight / 255, max_num_iter=50, channel_axis=-1
    )
    return _levels(255 * smooth)


def _bilateral(picture, levels, pixels):
    """Mean of what is near within σ pixels and alike within σ levels (Tomasi & Manduchi 1998)."""
    return cv2.bilateralFilter(picture, -1, levels, pixels)


def _reapplied_jpeg(picture, quality):
    """Mean of JPEGs of the shifted picture, whose blocks end elsewhere (Nosratinia 2001)."""
    height, width = picture.shape[:2]
    padded = cv2.copyMakeBorder(picture[..., ::-1], 8, 8, 8, 8, cv2.BORDER_REFLECT)
    total = np.zeros(picture.shape, np.float32)
    for y, x in 2 * np.argwhere(np.ones((4, 4))):
        _, file = cv2.imencode(".jpg", padded[y:, x:], [cv2.IMWRITE_JPEG_QUALITY, quality])
        again = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR))
        total += again[8 - y :, 8 - x :][:height, :width]
    return _levels(total[..., ::-1] / 16)


def _inpaint(picture, contrast, fill=cv2.INPAINT_NS, length=0):
    """Fill what differs from its surroundings more than all else near it does.

    Args:
        contrast: float32 `[height, width]`, how much a pixel differs, in levels.
        fill: OpenCV's number of Telea 2004, or of Bertalmio et al. 2001 after Navier and Stokes.
        length: pixels across; smaller things are left, as detail of a busy picture.
    """
    found = (contrast > 25) & (contrast > 4 * cv2.blur(contrast, (61, 61)))
    _, things, boxes, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8))
    across = np.hypot(boxes[:, cv2.CC_STAT_WIDTH], boxes[:, cv2.CC_STAT_HEIGHT])
    mask = found & (across >= length)[things]
    return cv2.inpaint(picture, cv2.dilate(mask.astype(np.uint8), _disc(3)), 3, fill)


def _against_median(picture):
    light = _light(picture)
    return cv2.absdiff(light, cv2.medianBlur(light, 11)).astype(np.float32)


def _hats(picture):
    """Top hat and black hat: what no disc of 5 pixels fits into."""
    light = _light(picture)
    bright = cv2.morphologyEx(light, cv2.MORPH_TOPHAT, _disc(5))
    dark = cv2.morphologyEx(light, cv2.MORPH_BLACKHAT, _disc(5))
    return np.maximum(bright, dark).astype(np.float32)


def _stretch(picture):
    """Each channel's darkest and lightest value to 0 and 255."""
    low, high = picture.min((0, 1)), picture.max((0, 1))
    return _levels((picture - low) * (255 / np.maximum(high - low, 1)))


def _stretch_and_bend(picture):
    """`_stretch`, then a γ per channel that brings its mean half the way to all channels' mean."""
    x = _unit(_stretch(picture))
    mean = np.clip(x.mean((0, 1)), 0.01, 0.99)
    return _levels(255 * x ** np.sqrt(np.log(mean.mean()) / np.log(mean)))


def _clahe(picture):
    """Histogram equalisation of the light, local and limited (Zuiderveld 1994)."""
    lab = cv2.cvtColor(picture, cv2.COLOR_RGB2LAB)
    lab[..., 0] = cv2.createCLAHE(1, (4, 4)).apply(lab[..., 0])
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)


def _grey_world(picture):
    """Scale the channels to one mean (Buchsbaum 1980)."""
    mean = np.maximum(picture.mean((0, 1)), 1)
    return _levels(picture * (mean.mean() / mean))


def _grey_world_and_contrast(picture):
    grey = _grey_world(picture)
    return _levels((grey - float(grey.min())) * (255 / max(np.ptp(grey), 1)))


def _grey_world_and_colour(picture):
    """`_grey_world`, then 2.5 times the colour, on the light that was there."""
    grey = _grey_world(picture)
    colour = grey - _light(grey)[..., None].astype(np.float32)
    return _levels(_light(picture)[..., None] + 2.5 * colour)


def _desaturate(picture):
    return cv2.cvtColor(_light(picture), cv2.COLOR_GRAY2RGB)


def _noise(picture):
    """σ of the noise in levels, from the finest wavelets (Donoho & Johnstone 1994)."""
    sigma = restoration.estimate_sigma(picture, average_sigmas=True, channel_axis=-1)
    return float(np.fmax(sigma, 0.1))  # a flat picture's is undefined


def _light(picture):
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def _frequency_squares(shape):
    """ω² of each coefficient of a cosine transform, in (radians per pixel)²."""
    y, x = (np.pi * np.arange(n) / n for n in shape)
    return y[:, None] ** 2 + x**2


def _gauss(x, sigma):
    return cv2.GaussianBlur(x, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)


def _levels(x):
    return np.rint(np.clip(x, 0, 255)).astype(np.uint8)


def _unit(picture):
    return picture / np.float32(255)


def _disc(side):
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))


CLASSICAL: dict[str, dict[str, Callable[[np.ndarray], np.ndarray]]] = {
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
        "auto-contrast": _stretch,
        "auto-contrast and gamma": _stretch_and_bend,
        "grey world and contrast": _grey_world_and_contrast,
        "CLAHE": _clahe,
    },
    "sepia": {
        "grey world": _grey_world,
        "grey world and colour": _grey_world_and_colour,
        "auto-contrast": _stretch,
        "desaturation": _desaturate,
    },
    "scratches": {
        "hats, Telea": lambda picture: _inpaint(picture, _hats(picture), cv2.INPAINT_TELEA),
        "hats, Navier-Stokes": lambda picture: _inpaint(picture, _hats(picture)),
        "long hats, Navier-Stokes": lambda picture: _inpaint(picture, _hats(picture), length=24),
        "median difference, Navier-Stokes": lambda picture: _inpaint(
            picture, _against_median(picture)
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
