"""Features of a whole picture that indicate how it is degraded.

The restoration network sees about 64 pixels around each pixel. It cannot know that the whole
picture is pale, or how wide a blur is, so it gets these features as a second input. Each group
indicates one kind of degradation. On photographs the values are about −2…2.
"""

from functools import lru_cache

import numpy as np

from stylefuse.images.colour import LUMA, OPPONENT
from stylefuse.inference.cosine_transform import dct

QUANTILES = 0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1
RINGS = 16, 6, 6  # of frequencies, for luminance and the two opponent colours
SCRATCH_LEVELS = 20, 45, 80  # contrast of thin structures, in levels
BLOCK = 8  # pixels, of JPEG
FEATURE_COUNT = 3 + 3 * len(QUANTILES) + sum(RINGS) + 3 + 12 + 10 + 2 * len(SCRATCH_LEVELS)


def degradation_features(picture: np.ndarray) -> np.ndarray:
    """Measure a picture.

    Args:
        picture: uint8 `[height, width, 3]`, sides of at least 32 pixels.

    Returns:
        float32 `[FEATURE_COUNT]`; `channel_means` and `channel_ranges` extract parts of it.
    """
    luminance = picture @ LUMA
    planes = (picture - np.float32(127.5)) @ OPPONENT.astype(np.float32)
    groups = [
        2 * (picture.mean(axis=(0, 1)) / 127.5 - 1),
        2 * _quantiles(picture),
        *(_spectrum(plane, rings) for plane, rings in zip(planes.T, RINGS, strict=True)),
        _noise_level(planes),
        _jpeg_blocking(luminance),
        _colour_statistics(planes[::2, ::2].reshape(-1, 3) / 127.5),
        _thin_structures(np.rint(luminance).astype(np.uint8)),
    ]
    return np.concatenate([np.ravel(group) for group in groups]).astype(np.float32)


def channel_ranges(features):
    """Each channel's darkest and lightest value, from −1 to 1; fading narrows their range.

    Args:
        features: `[batch, FEATURE_COUNT]`.

    Returns:
        Two tensors `[batch, 3]`.
    """
    last = 3 * len(QUANTILES)
    return features[:, 3:6] / 2, features[:, last : last + 3] / 2


def channel_means(features):
    """Each channel's mean, from −1 to 1: `[batch, FEATURE_COUNT]` → `[batch, 3]`."""
    return features[:, :3] / 2


def _quantiles(picture):
    """`[len(QUANTILES), 3]`, from −1 to 1."""
    area = picture.shape[0] * picture.shape[1]
    cumulative = [np.bincount(channel.ravel(), minlength=256).cumsum() for channel in picture.T]
    counts = np.maximum(np.array(QUANTILES) * area, 1)
    levels = [np.searchsorted(total, counts) for total in cumulative]
    return np.stack(levels, axis=1) / 127.5 - 1


def _spectrum(plane, rings):
    """Power per ring of equal frequency, relative to a photograph's, which falls as ω^−2.5.

    Blurred and upscaled pictures lack high frequencies; noise adds all of them.
    """
    index, counts, trend = _rings(plane.shape, rings)
    power = dct(dct(plane, 0), 1).ravel() ** 2
    mean = np.bincount(index, power, rings + 1)[:rings] / counts
    return (np.log(mean + 0.02) + trend) / 2.5 - 2


@lru_cache(maxsize=16)
def _rings(shape, rings):
    """The ring of each coefficient (`rings` if none), the rings' sizes, and 2.5·ln ω."""
    y, x = (np.pi * np.arange(n) / n for n in shape)
    edges = np.geomspace(np.pi / 40, np.pi, rings + 1)
    index = np.digitize(np.hypot(y[:, None], x), edges).ravel() - 1
    index = np.where(index < 0, rings, np.minimum(index, rings))
    counts = np.maximum(np.bincount(index, minlength=rings + 1)[:rings], 1)
    return index, counts, 1.25 * np.log(edges[1:] * edges[:-1])


def _noise_level(planes):
    """ln σ of the noise, from the finest diagonal wavelets (Donoho & Johnstone 1994)."""
    height, width = (n // 2 * 2 for n in planes.shape[:2])
    even, odd = planes[:height:2, :width], planes[1:height:2, :width]
    rows = even - odd
    diagonal = np.abs(rows[:, ::2] - rows[:, 1::2]) / 2
    return np.log(np.median(diagonal, axis=(0, 1)) / 0.6745 + 0.3) - 0.5


def _jpeg_blocking(luminance):
    """How much steeper the borders of JPEG's blocks are, and how empty the blocks' spectra."""
    features = []
    for axis in (0, 1):
        steps = np.abs(np.diff(luminance, axis=axis)).mean(axis=1 - axis)
        steps = steps[: len(steps) // BLOCK * BLOCK].reshape(-1, BLOCK).mean(axis=0) + 0.1
        inside = steps[: BLOCK - 1]
        features += [5 * np.log(steps[-1] / inside.mean()), 5 * np.log(steps[3] / inside.mean())]
    rows, columns = (n // BLOCK for n in luminance.shape)
    blocks = luminance[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    spectra = np.abs(dct(dct(blocks - 128, 1), 3))
    means = spectra.mean(axis=(0, 2)), (spectra < 1).mean(axis=(0, 2))
    order = np.add.outer(np.arange(BLOCK), np.arange(BLOCK))
    for low, high in ((1, 3), (3, 5), (5, 8), (8, 15)):
        size, empty = (mean[(low <= order) & (order < high)].mean() for mean in means)
        features += [np.log(size + 0.3) - 1, 3 * empty - 1.5]
    return features


def _colour_statistics(colours):
    """Spread and correlation of luminance and the two opponent colours, their tint, and the spread
    of colour that does not follow luminance; sepia pictures have little of it."""
    mean = colours.mean(axis=0)
    covariance = (colours - mean).T @ (colours - mean) / len(colours)
    spread = np.sqrt(np.diag(covariance) + 1e-5)
    correlation = (covariance / np.outer(spread, spread))[[0, 0, 1], [1, 2, 2]]
    tint = covariance[0, 1:] / max(covariance[0, 0], 1e-4)
    residual = np.diag(covariance)[1:] - tint**2 * covariance[0, 0]
    residual = np.log(np.sqrt(np.maximum(residual, 0) + 1e-6)) / 1.5 + 2
    return np.concatenate([np.log(spread) + 1.5, correlation, 5 * tint, residual])


def _thin_structures(luminance):
    """The area of dark and of bright structures thinner than 5 pixels, such as scratches and dust
    (black and white top-hat transforms)."""
    closing = _extreme_filter(_extreme_filter(luminance, np.maximum), np.minimum)
    opening = _extreme_filter(_extreme_filter(luminance, np.minimum), np.maximum)
    top_hats = closing - luminance, luminance - opening
    return [
        np.log((hat > level).mean() + 3e-4) + 4.5 for hat in top_hats for level in SCRATCH_LEVELS
    ]


def _extreme_filter(luminance, extreme, radius=2):
    """The maximum or minimum within a square around each pixel."""
    for axis in (0, 1):
        lines = np.moveaxis(luminance, axis, 0)
        padded = np.pad(lines, [(radius, radius), (0, 0)], "edge")
        result = padded[: len(lines)]
        for shift in range(1, 2 * radius + 1):
            result = extreme(result, padded[shift : shift + len(lines)])
        luminance = np.moveaxis(result, 0, axis)
    return luminance
