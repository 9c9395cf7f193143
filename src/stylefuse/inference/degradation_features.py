"""What a whole picture says of its damage, in numbers: a network that sees 64 pixels cannot know
that all is pale, or how wide a blur is.

Each group below has a damage that it betrays. They are scaled to about −2…2 on photographs.
"""

from functools import lru_cache

import numpy as np
from scipy.fft import dctn

from stylefuse.images.colour import LUMA, OPPONENT

SHARES = 0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1  # of pixels that are no lighter
RINGS = 16, 6, 6  # of frequencies, in light and in two colours
LEVELS = 20, 45, 80  # how far a scratch may stand out
BLOCK = 8  # pixels, of JPEG
SIZE = 3 + 3 * len(SHARES) + sum(RINGS) + 3 + 12 + 10 + 2 * len(LEVELS)


def degradation_features(picture: np.ndarray) -> np.ndarray:
    """Measure a picture.

    Args:
        picture: uint8 `[height, width, 3]`, sides of at least 32 pixels.

    Returns:
        float32 `[SIZE]`; `mean_of` and `range_of` read what others need of it.
    """
    light = picture @ LUMA
    planes = (picture - np.float32(127.5)) @ OPPONENT.astype(np.float32)
    groups = [
        2 * (picture.mean(axis=(0, 1)) / 127.5 - 1),
        2 * _quantiles(picture),
        *(_spectrum(plane, rings) for plane, rings in zip(planes.T, RINGS, strict=True)),
        _grain(planes),
        _blocks(light),
        _colours(planes[::2, ::2].reshape(-1, 3) / 127.5),
        _things(np.rint(light).astype(np.uint8)),
    ]
    return np.concatenate([np.ravel(group) for group in groups]).astype(np.float32)


def range_of(measured):
    """Each channel's darkest and lightest value, from −1 to 1, which fading brings together.

    `[batch, SIZE]` → two times `[batch, 3]`.
    """
    last = 3 * len(SHARES)
    return measured[:, 3:6] / 2, measured[:, last : last + 3] / 2


def mean_of(measured):
    """Each channel's mean, from −1 to 1: `[batch, SIZE]` → `[batch, 3]`."""
    return measured[:, :3] / 2


def _quantiles(picture):
    """`[len(SHARES), 3]`, from −1 to 1."""
    area = picture.shape[0] * picture.shape[1]
    sums = [np.bincount(channel.ravel(), minlength=256).cumsum() for channel in picture.T]
    counts = np.maximum(np.array(SHARES) * area, 1)
    levels = [np.searchsorted(total, counts) for total in sums]
    return np.stack(levels, axis=1) / 127.5 - 1


def _spectrum(plane, rings):
    """Power in rings of equal frequency against a photograph's, which falls as ω^−2.5: a blur and
    a small original lack the high ones, and noise is all of them."""
    index, counts, trend = _rings(plane.shape, rings)
    power = dctn(plane, norm="ortho").ravel() ** 2
    mean = np.bincount(index, power, rings + 1)[:rings] / counts
    return (np.log(mean + 0.02) + trend) / 2.5 - 2


@lru_cache(maxsize=16)
def _rings(shape, rings):
    """The ring of each coefficient (`rings` where none), their sizes, and 2.5·ln ω."""
    y, x = (np.pi * np.arange(n) / n for n in shape)
    edges = np.geomspace(np.pi / 40, np.pi, rings + 1)
    index = np.digitize(np.hypot(y[:, None], x), edges).ravel() - 1
    index = np.where(index < 0, rings, np.minimum(index, rings))
    counts = np.maximum(np.bincount(index, minlength=rings + 1)[:rings], 1)
    return index, counts, 1.25 * np.log(edges[1:] * edges[:-1])


def _grain(planes):
    """ln σ of the noise, from the finest diagonal wavelets (Donoho & Johnstone 1994)."""
    height, width = (n // 2 * 2 for n in planes.shape[:2])
    even, odd = planes[:height:2, :width], planes[1:height:2, :width]
    rows = even - odd
    diagonal = np.abs(rows[:, ::2] - rows[:, 1::2]) / 2
    return np.log(np.median(diagonal, axis=(0, 1)) / 0.6745 + 0.3) - 0.5


def _blocks(light):
    """How much steeper the borders of JPEG's blocks are, and how empty the blocks' spectra."""
    found = []
    for axis in (0, 1):
        steps = np.abs(np.diff(light, axis=axis)).mean(axis=1 - axis)
        steps = steps[: len(steps) // BLOCK * BLOCK].reshape(-1, BLOCK).mean(axis=0) + 0.1
        inside = steps[: BLOCK - 1]
        found += [5 * np.log(steps[-1] / inside.mean()), 5 * np.log(steps[3] / inside.mean())]
    rows, columns = (n // BLOCK for n in light.shape)
    tiles = light[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    spectra = np.abs(dctn(tiles - 128, axes=(1, 3), norm="ortho"))
    means = spectra.mean(axis=(0, 2)), (spectra < 1).mean(axis=(0, 2))
    order = np.add.outer(np.arange(BLOCK), np.arange(BLOCK))
    for low, high in ((1, 3), (3, 5), (5, 8), (8, 15)):
        size, empty = (mean[(low <= order) & (order < high)].mean() for mean in means)
        found += [np.log(size + 0.3) - 1, 3 * empty - 1.5]
    return found


def _colours(points):
    """Spread and correlation of light and the two colours, and how much colour is no tint: sepia
    has little that does not follow the light."""
    mean = points.mean(axis=0)
    covariance = (points - mean).T @ (points - mean) / len(points)
    spread = np.sqrt(np.diag(covariance) + 1e-5)
    together = (covariance / np.outer(spread, spread))[[0, 0, 1], [1, 2, 2]]
    tint = covariance[0, 1:] / max(covariance[0, 0], 1e-4)
    free = np.diag(covariance)[1:] - tint**2 * covariance[0, 0]
    free = np.log(np.sqrt(np.maximum(free, 0) + 1e-6)) / 1.5 + 2
    return np.concatenate([np.log(spread) + 1.5, together, 5 * tint, free])


def _things(light):
    """How much is covered by dark and by bright things too thin for a square of 5 pixels, as
    scratches and dust are."""
    filled, cleared = _most(_most(light), np.minimum), _most(_most(light, np.minimum))
    hats = filled - light, light - cleared
    return [np.log((hat > level).mean() + 3e-4) + 4.5 for hat in hats for level in LEVELS]


def _most(light, of=np.maximum, reach=2):
    """The greatest level, or the least, within a square around each pixel."""
    for axis in (0, 1):
        lines = np.moveaxis(light, axis, 0)
        padded = np.pad(lines, [(reach, reach), (0, 0)], "edge")
        light = padded[: len(lines)]
        for shift in range(1, 2 * reach + 1):
            light = of(light, padded[shift : shift + len(lines)])
        light = np.moveaxis(light, 0, axis)
    return light
