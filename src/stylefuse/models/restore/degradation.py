"""Synthetic degradations of photographs, as pure functions of a picture and a random generator.

Pictures are uint8 `[height, width, 3]`, each side at least 32 pixels. Strengths are in pixels and
levels, never relative to the width, so that a crop of a degraded photograph looks like a degraded
crop. Blur, scale, noise and JPEG follow GFPGAN (Wang et al. 2021, eq. 10), with ranges for pictures
of about 256 pixels; fading, sepia and scratches are our own.
"""

from collections.abc import Callable, Sequence
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from stylefuse.images.colour import LUMA

COUNT_PROBABILITIES = [0.05, 0.7, 0.15, 0.1]  # of none, one, two and three kinds at once
SEPIA_TINT = np.array([1.12, 0.98, 0.78], np.float32)  # of luma 1
SUPERSAMPLING = 2  # scratches are drawn this much larger and averaged, for soft edges


def degrade(picture: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Degrade a picture in one way, with a random strength.

    Args:
        picture: uint8 `[height, width, 3]`.
        kind: one of `KINDS`.
        rng: source of strength and pattern.

    Returns:
        uint8 of the same shape.

    Raises:
        KeyError: there is no such kind.
    """
    return _DEGRADATIONS[kind](picture, rng)


def degrade_randomly(
    picture: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Degrade a picture as training does: with no kind, one, two or three, all equally frequent.

    One picture in twenty is not degraded, which teaches a network to leave good pictures unchanged.

    Returns:
        See `degrade_with`.
    """
    count = rng.choice(len(COUNT_PROBABILITIES), p=COUNT_PROBABILITIES)
    return degrade_with(picture, rng.permutation(len(KINDS))[:count].tolist(), rng)


def degrade_colours(picture: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Degrade a picture by fading, by sepia, or by both.

    Returns:
        See `degrade_with`.
    """
    fading, sepia = KINDS.index("fading"), KINDS.index("sepia")
    return degrade_with(picture, [[fading], [sepia], [fading, sepia]][rng.integers(3)], rng)


def degrade_with(
    picture: np.ndarray, indices: Sequence[int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Degrade a picture in several ways, in the order of `KINDS`.

    Args:
        picture: uint8 `[height, width, 3]`.
        indices: into `KINDS`, each at most once.
        rng: source of strengths and patterns.

    Returns:
        uint8 of the picture's shape, which may be the picture itself and must not be changed, and
        float32 `[kinds]`, 1 for each kind that was applied.
    """
    labels = np.zeros(len(KINDS), np.float32)
    for index in np.sort(indices):
        picture = degrade(picture, KINDS[index], rng)
        labels[index] = 1
    return picture, labels


def _blur(picture, rng):
    """Out of focus: Gaussian, σ from 0.5 to 3 pixels."""
    gaussian = ImageFilter.GaussianBlur(rng.uniform(0.5, 3))
    return np.asarray(Image.fromarray(picture).filter(gaussian))


def _downscale(picture, rng):
    """Low resolution: scaled down by a factor from 2 to 4, and up again."""
    height, width = picture.shape[:2]
    scale = rng.uniform(2, 4)
    filters = [Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC]
    down, up = filters[rng.integers(3)], filters[rng.integers(1, 3)]
    small = Image.fromarray(picture).resize((round(width / scale), round(height / scale)), down)
    return np.asarray(small.resize((width, height), up))


def _noise(picture, rng):
    """Gaussian noise of σ 5 to 25 levels, in colour or, like film grain, in luminance alone.

    With probability ½ its variance is proportional to the level, as for photon noise; σ is then
    that of mid-grey.
    """
    sigma = rng.uniform(5, 25)
    noise = rng.standard_normal((*picture.shape[:2], 1 + 2 * rng.integers(2)), np.float32)
    if rng.integers(2):
        noise = noise * np.sqrt(picture / np.float32(127.5))
    return _to_levels(picture + np.float32(sigma) * noise)


def _fade(picture, rng):
    """Faded: each channel keeps 0.3 to 0.8 of its range above the pale paper's colour, with a γ
    from 0.7 to 1.3.

    Dyes fade at different rates, which causes a colour cast; the paper lifts the blacks.
    """
    keep = rng.uniform(0.4, 0.7) + rng.uniform(-0.1, 0.1, 3)
    paper = rng.uniform(120, 220) + rng.uniform(-30, 30, 3)
    levels = np.linspace(0, 1, 256)[:, None] ** rng.uniform(0.7, 1.3, 3)
    curves = _to_levels(255 * keep * levels + (1 - keep) * paper)
    return np.asarray(Image.fromarray(picture).point(curves.T.ravel().tolist()))


def _sepia(picture, rng):
    """Sepia: 0.5 to 1 of the colour is replaced by luminance in one tint, from grey to
    `SEPIA_TINT`."""
    share, tint = rng.uniform(0.5, 1), 1 + rng.uniform(0, 1) * (SEPIA_TINT - 1)
    matrix = (1 - share) * np.eye(3) + share * np.outer(LUMA, tint)
    return _to_levels(picture @ matrix.astype(np.float32))


def _scratch(picture, rng):
    """Curved lines 0.5 to 3 pixels wide, and specks of dust, some dark and some bright.

    The total length of the lines is one to three pixels per hundred pixels of the picture.
    """
    height, width = picture.shape[:2]
    ink = Image.new("F", (SUPERSAMPLING * width, SUPERSAMPLING * height))  # −1 black to 1 white
    pen = ImageDraw.Draw(ink)
    corner, area = np.array([width, height]), width * height

    def tone() -> float:
        return rng.choice([-1, 1]) * rng.uniform(0.4, 1)

    remaining_length = rng.uniform(0.01, 0.03) * area
    while remaining_length > 0:
        length, points = rng.uniform(20, 160), 12
        angles = rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.15, points).cumsum()
        steps = np.stack([np.cos(angles), np.sin(angles)], axis=1) * length / points
        path = steps.cumsum(axis=0)
        path += rng.uniform(0, corner) - path[points // 2]
        pen.line((SUPERSAMPLING * path).ravel().tolist(), fill=tone(), width=rng.integers(1, 7))
        remaining_length -= length

    for x, y in rng.uniform(0, corner, (rng.poisson(area / 2000), 2)):
        centre = SUPERSAMPLING * x, SUPERSAMPLING * y
        pen.circle(centre, SUPERSAMPLING * rng.uniform(0.5, 2), fill=tone())

    cover = np.asarray(ink.reduce(SUPERSAMPLING))[..., None]
    return _to_levels(picture * (1 - np.abs(cover)) + 255 * np.maximum(cover, 0))


def _jpeg(picture, rng):
    """Compressed as JPEG of quality 15 to 60."""
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=int(rng.integers(15, 61)))
    return np.asarray(Image.open(file))


def _to_levels(x: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(x, 0, 255)).astype(np.uint8)


_DEGRADATIONS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "blur": _blur,
    "small": _downscale,
    "noise": _noise,
    "fading": _fade,
    "sepia": _sepia,
    "scratches": _scratch,
    "jpeg": _jpeg,
}
KINDS = tuple(_DEGRADATIONS)  # in the order in which they happen: camera, print, scan
