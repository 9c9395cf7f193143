"""What time and cheap cameras do to photographs, as pure functions of a random rng.

Pictures are uint8 `[height, width, 3]`, each side at least 32 pixels. Strengths are in pixels and
levels, never in shares of the width: a crop of a damaged photograph and the damaged crop look
alike. Blur, scale, noise and JPEG follow GFPGAN (Wang et al. 2021, eq. 10), with ranges for
pictures of about 256 pixels; fading, sepia and scratches are our own.
"""

from collections.abc import Callable, Sequence
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from stylefuse.images.colour import LUMA

COUNTS = [0.05, 0.7, 0.15, 0.1]  # how probable none, one, two and three kinds at once are
BROWN = np.array([1.12, 0.98, 0.78], np.float32)  # tint of a sepia print, of luma one
FINE = 2  # scratches are drawn this much larger and averaged, for soft edges


def degrade(picture: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Damage a picture in one way, as strongly as the rng says.

    Returns:
        uint8, as large as the picture.

    Raises:
        KeyError: no such kind.
    """
    return _DAMAGES[kind](picture, rng)


def degrade_randomly(
    picture: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Damage a picture as training shows it: in no way, one, two or three, all equally frequent.

    The pictures left whole, one in twenty, teach a network to leave good ones alone.

    Returns:
        See `damage_all`.
    """
    count = rng.choice(len(COUNTS), p=COUNTS)
    return damage_all(picture, rng.permutation(len(KINDS))[:count].tolist(), rng)


def degrade_colours(picture: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Fade a picture, or brown it, or both.

    Returns:
        See `damage_all`.
    """
    fading, sepia = KINDS.index("fading"), KINDS.index("sepia")
    return damage_all(picture, [[fading], [sepia], [fading, sepia]][rng.integers(3)], rng)


def damage_all(
    picture: np.ndarray, numbers: Sequence[int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Damage a picture in several ways, in the order of `KINDS`.

    Returns:
        uint8, as large as the picture, not to be written into, since it may be the picture itself;
        and float32 `[kinds]`, 1 for each kind that was done to it.
    """
    done = np.zeros(len(KINDS), np.float32)
    for number in np.sort(numbers):
        picture = degrade(picture, KINDS[number], rng)
        done[number] = 1
    return picture, done


def _blur(picture, rng):
    """Out of focus: Gaussian, σ from 0.5 to 3 pixels."""
    soft = ImageFilter.GaussianBlur(rng.uniform(0.5, 3))
    return np.asarray(Image.fromarray(picture).filter(soft))


def _small(picture, rng):
    """Kept too small: scaled down 2 to 4 times, and up again."""
    height, width = picture.shape[:2]
    scale = rng.uniform(2, 4)
    filters = [Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC]
    down, up = filters[rng.integers(3)], filters[rng.integers(1, 3)]
    little = Image.fromarray(picture).resize((round(width / scale), round(height / scale)), down)
    return np.asarray(little.resize((width, height), up))


def _noise(picture, rng):
    """Gaussian noise of σ 5 to 25 levels, of colours or of light alone, as film grain is.

    Every other time its variance grows with the light, as that of counted photons does; σ then
    holds at mid-grey.
    """
    sigma = rng.uniform(5, 25)
    noise = rng.standard_normal((*picture.shape[:2], 1 + 2 * rng.integers(2)), np.float32)
    if rng.integers(2):
        noise = noise * np.sqrt(picture / np.float32(127.5))
    return _levels(picture + np.float32(sigma) * noise)


def _fade(picture, rng):
    """Bleached: each channel keeps 0.3 to 0.8 of its range above the pale paper's colour, bent by
    a γ from 0.7 to 1.3.

    Dyes fade at different rates, which casts a colour; the paper's share lifts the blacks.
    """
    keep = rng.uniform(0.4, 0.7) + rng.uniform(-0.1, 0.1, 3)
    paper = rng.uniform(120, 220) + rng.uniform(-30, 30, 3)
    levels = np.linspace(0, 1, 256)[:, None] ** rng.uniform(0.7, 1.3, 3)
    curves = _levels(255 * keep * levels + (1 - keep) * paper)
    return np.asarray(Image.fromarray(picture).point(curves.T.ravel().tolist()))


def _sepia(picture, rng):
    """Browned: 0.5 to all of the colour gives way to light in one tint, from grey to `BROWN`."""
    share, tint = rng.uniform(0.5, 1), 1 + rng.uniform(0, 1) * (BROWN - 1)
    matrix = (1 - share) * np.eye(3) + share * np.outer(LUMA, tint)
    return _levels(picture @ matrix.astype(np.float32))


def _scratch(picture, rng):
    """Wandering lines 0.5 to 3 pixels wide, and specks of dust, some dark and some bright.

    All lines together are one to three pixels long per hundred pixels of the picture.
    """
    height, width = picture.shape[:2]
    ink = Image.new("F", (FINE * width, FINE * height))  # from −1, black, to 1, white
    pen = ImageDraw.Draw(ink)
    corner, area = np.array([width, height]), width * height

    def tone() -> float:
        return rng.choice([-1, 1]) * rng.uniform(0.4, 1)

    to_draw = rng.uniform(0.01, 0.03) * area
    while to_draw > 0:
        length, points = rng.uniform(20, 160), 12
        angles = rng.uniform(0, 2 * np.pi) + rng.normal(0, 0.15, points).cumsum()
        steps = np.stack([np.cos(angles), np.sin(angles)], axis=1) * length / points
        path = steps.cumsum(axis=0)
        path += rng.uniform(0, corner) - path[points // 2]
        pen.line((FINE * path).ravel().tolist(), fill=tone(), width=rng.integers(1, 7))
        to_draw -= length

    for x, y in rng.uniform(0, corner, (rng.poisson(area / 2000), 2)):
        pen.circle((FINE * x, FINE * y), FINE * rng.uniform(0.5, 2), fill=tone())

    cover = np.asarray(ink.reduce(FINE))[..., None]
    return _levels(picture * (1 - np.abs(cover)) + 255 * np.maximum(cover, 0))


def _jpeg(picture, rng):
    """Compressed: JPEG of quality 15 to 60."""
    file = BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=int(rng.integers(15, 61)))
    return np.asarray(Image.open(file))


def _levels(x: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(x, 0, 255)).astype(np.uint8)


_DAMAGES: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "blur": _blur,
    "small": _small,
    "noise": _noise,
    "fading": _fade,
    "sepia": _sepia,
    "scratches": _scratch,
    "jpeg": _jpeg,
}
KINDS = tuple(_DAMAGES)  # in the order of a photograph's life: taken, kept, scanned
