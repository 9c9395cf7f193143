"""Damage of a picture's detail: by the camera, the film, the printing press and the file.

Functions take a picture, uint8 `[height, width, 3]`, a source of random numbers, and whether
strengths come from the wider range, and return a picture of the same shape. Strengths are in pixels
and levels, never relative to the width, so that a crop of a degraded photograph looks like a
degraded crop. Blur, scale, noise and JPEG follow GFPGAN (Wang et al. 2021, eq. 10).
"""

from io import BytesIO

import numpy as np
from PIL import Image, ImageFilter

# ranges of strengths: those of the evaluation, and the wider ones that training draws too; what is
# weaker than these is no damage, and common in good photographs
BLUR_SIGMA = (0.5, 3.0), (0.4, 4.0)  # pixels
SCALE = (2.0, 4.0), (1.5, 5.0)
NOISE_SIGMA = (5.0, 25.0), (3.0, 40.0)  # levels
JPEG_QUALITY = (15, 60), (8, 75)
GRAIN_SIGMA = (5.0, 18.0), (3.0, 25.0)  # levels
GRAIN_SIZE = (1.2, 2.5), (1.2, 3.5)  # pixels
SCREEN_CONTRAST = (10.0, 30.0), (6.0, 45.0)  # levels
SCREEN_PERIOD = 3.0, 6.0  # pixels


def blur(picture, rng, wide):
    """Out of focus: a Gaussian."""
    return blur_with(picture, rng.uniform(*BLUR_SIGMA[wide]))


def blur_with(picture, sigma):
    """Blur by a Gaussian of σ pixels."""
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(sigma)))


def downscale(picture, rng, wide):
    """Low resolution: scaled down, and up again."""
    height, width = picture.shape[:2]
    scale = rng.uniform(*SCALE[wide])
    filters = [Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC]
    down, up = filters[rng.integers(3)], filters[rng.integers(1, 3)]
    small = Image.fromarray(picture).resize((round(width / scale), round(height / scale)), down)
    return np.asarray(small.resize((width, height), up))


def noise(picture, rng, wide):
    """Gaussian noise, in colour or in luminance alone.

    With probability ½ its variance is proportional to the level, as for photon noise; σ is then
    that of mid-grey.
    """
    sigma = rng.uniform(*NOISE_SIGMA[wide])
    field = rng.standard_normal((*picture.shape[:2], 1 + 2 * rng.integers(2)), np.float32)
    if rng.integers(2):
        field = field * np.sqrt(picture / np.float32(127.5))
    return to_levels(picture + np.float32(sigma) * field)


def noise_with(picture, sigma, rng):
    """Add Gaussian noise of σ levels to each channel."""
    return to_levels(picture + np.float32(sigma) * rng.standard_normal(picture.shape, np.float32))


def jpeg(picture, rng, wide):
    """Compressed as JPEG."""
    low, high = JPEG_QUALITY[wide]
    return jpeg_with(picture, int(rng.integers(low, high + 1)))


def jpeg_with(picture, quality):
    """Compress as JPEG of a quality from 1 to 95."""
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def grain(picture, rng, wide):
    """Film grain: noise of the luminance in clumps, strongest in the mid-tones."""
    height, width = picture.shape[:2]
    sigma, size = rng.uniform(*GRAIN_SIGMA[wide]), rng.uniform(*GRAIN_SIZE[wide])
    coarse = rng.standard_normal((round(height / size) + 1, round(width / size) + 1), np.float32)
    clumps = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    field = np.asarray(clumps)[..., None]
    level = picture.mean(axis=2, keepdims=True, dtype=np.float32) / 255
    visible = 0.4 + 2.4 * level * (1 - level)  # 0.4 in black and white, 1 in mid-grey
    return to_levels(picture + np.float32(sigma / field.std()) * visible * field)


def halftone(picture, rng, wide):
    """The screen of a printed picture: a turned grid of dots on the luminance."""
    height, width = picture.shape[:2]
    contrast, period = rng.uniform(*SCREEN_CONTRAST[wide]), rng.uniform(*SCREEN_PERIOD)
    angle = rng.uniform(0, np.pi / 2)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    along, across = (
        np.cos(2 * np.pi / period * (x * np.cos(a) + y * np.sin(a)))
        for a in (angle, angle + np.pi / 2)
    )
    return to_levels(picture + np.float32(contrast) * (along * across)[..., None])


def to_levels(x: np.ndarray) -> np.ndarray:
    """Round and clip to uint8."""
    return np.rint(np.clip(x, 0, 255)).astype(np.uint8)
