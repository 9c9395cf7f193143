"""Damage of the paper: scratches, dust, folds, tears and stains. See `capture_damage`.

Areas and lengths are per area of the picture, so that crops look like small pictures.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from stylefuse.models.restore.capture_damage import to_levels

SUPERSAMPLING = 2  # lines are drawn this much larger and averaged, for soft edges


def scratch(picture, rng, wide):
    """Curved lines 0.5 to 3 pixels wide, and specks of dust, some dark and some bright.

    The total length of the lines is one to three pixels per hundred pixels of the picture.
    """
    height, width = picture.shape[:2]
    ink, pen = _canvas(picture)
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
    return _cover(picture, _averaged(ink))


def fold(picture, rng, wide):
    """One to three folds from border to border: a shadow beside a light, in places broken line.

    In the wide range the paper is torn in from a border too: a white wedge.
    """
    height, width = picture.shape[:2]
    corner = np.array([width, height], float)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    shade = np.zeros((height, width), np.float32)
    ink, pen = _canvas(picture)
    for _ in range(rng.integers(1, 4)):
        angle = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.15)
        through = rng.uniform(0.1, 0.9, 2) * corner
        along = np.array([np.cos(angle), np.sin(angle)])
        distance = (y - through[1]) * along[0] - (x - through[0]) * along[1]
        reach = rng.uniform(2, 7)
        side = np.where(distance > 0, rng.uniform(-1, 0.3), rng.uniform(-0.3, 1))
        shade += rng.uniform(10, 35) * side * np.exp(-np.abs(distance) / reach)
        tone, pen_width = rng.uniform(0.5, 1), int(rng.integers(2, 6))
        for start in np.arange(-1.5, 1.5, 0.04) * corner.max():
            if rng.random() < 0.75:
                jitter = rng.normal(0, 0.7, (2, 2))
                ends = through + np.outer([start, start + 0.04 * corner.max()], along) + jitter
                pen.line((SUPERSAMPLING * ends).ravel().tolist(), fill=tone, width=pen_width)
    if wide:
        at, depth = rng.uniform(0.1, 0.9), rng.uniform(8, 40)
        edge = np.array([[at, 0], [at, 1], [0, at], [1, at]])[rng.integers(4)] * corner
        inward = np.sign(corner / 2 - edge) * np.isin(edge, [0, *corner])
        tip = edge + depth * inward + rng.normal(0, 4, 2)
        breadth = rng.uniform(3, 12) * np.abs(inward[::-1])
        wedge = SUPERSAMPLING * np.stack([edge - breadth, tip, edge + breadth])
        pen.polygon(wedge.ravel().tolist(), fill=rng.uniform(0.8, 1))
    return _cover(to_levels(picture + shade[..., None]), _averaged(ink))


def stain(picture, rng, wide):
    """Soft brownish stains with a darker rim, and holes of up to 4 pixels, or 7 in the wide range.

    There is about one stain and one hole for every square of 128 pixels.
    """
    height, width = picture.shape[:2]
    corner, area = np.array([width, height]), width * height / 128**2
    result = picture.astype(np.float32)
    for _ in range(1 + rng.poisson(area)):
        sheet = Image.new("F", (width, height))
        (x, y), radius = rng.uniform(0, corner), rng.uniform(8, 30)
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        radii = radius * (1 + 0.25 * np.sin(3 * angles + rng.uniform(0, 6)) * rng.uniform(0, 1))
        outline = np.stack([x + radii * np.cos(angles), y + radii * np.sin(angles)], axis=1)
        ImageDraw.Draw(sheet).polygon(outline.ravel().tolist(), fill=255.0)
        softness = rng.uniform(1, 4)
        mask = np.asarray(sheet.convert("L").filter(ImageFilter.GaussianBlur(softness)))
        cover = mask[..., None] / np.float32(255)
        strength = cover + 2 * cover * (1 - cover)  # most at the rim
        tint = 1 - rng.uniform(0.1, 0.35) * np.array([0.5, 0.8, 1.2], np.float32)
        result *= 1 - strength * (1 - tint)
    ink, pen = _canvas(picture)
    for x, y in rng.uniform(0, corner, (rng.poisson(area), 2)):
        radius = SUPERSAMPLING * rng.uniform(1.5, 7 if wide else 4)
        pen.circle((SUPERSAMPLING * x, SUPERSAMPLING * y), radius, fill=rng.choice([-0.9, 1.0]))
    return _cover(to_levels(result), _averaged(ink))


def _canvas(picture):
    """An enlarged map, −1 black to 1 white, and a pen."""
    height, width = picture.shape[:2]
    ink = Image.new("F", (SUPERSAMPLING * width, SUPERSAMPLING * height))
    return ink, ImageDraw.Draw(ink)


def _averaged(ink):
    return np.asarray(ink.reduce(SUPERSAMPLING))[..., None]


def _cover(picture, ink):
    """Paint black where ink is negative and white where it is positive, as opaque as it is."""
    return to_levels(picture * (1 - np.abs(ink)) + 255 * np.maximum(ink, 0))
