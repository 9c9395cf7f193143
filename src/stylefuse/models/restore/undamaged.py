"""Undamaged pictures that a detector of damage could mistake for damaged ones: drawings of text,
windows, charts, shapes and plain colours, and the traces that good cameras and files leave.

Pictures are uint8 `[height, width, 3]`.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from stylefuse.models.restore.capture_damage import jpeg_with, noise_with

SIDES = 72, 480  # of drawings, pixels
FONT_SIZES = 9, 30  # pixels
LETTERS = list(
    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnoprstuvaeiouaeinrstABCDEFGHIMNOPRST0123456789.,"
)
ENLARGEMENT = 1.0, 1.3
GOOD_QUALITY = 85, 97  # of JPEG
FAINT_NOISE = 0.3, 1.5  # σ in levels


def draw(rng: np.random.Generator, sides: tuple[int, int] = SIDES) -> np.ndarray:
    """A random drawing; one in five is grey.

    Args:
        rng: source of everything in it.
        sides: range of width and height.
    """
    low, high = np.log(sides)
    width, height = map(int, np.exp(rng.uniform(low, high, 2)))
    kind = DRAWINGS[rng.integers(len(DRAWINGS))]
    drawing = kind(rng, width, height)
    if rng.random() < 0.2:
        drawing = drawing.convert("L").convert("RGB")
    return np.array(drawing)


def publish(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A picture with faint noise and as a good JPEG file, each with probability ½, and perhaps
    slightly enlarged before."""
    if rng.random() < 0.15:
        height, width = picture.shape[:2]
        scale = rng.uniform(*ENLARGEMENT)
        image = Image.fromarray(picture).resize((int(scale * width), int(scale * height)))
        picture = np.array(image)[:height, :width]
    if rng.random() < 0.5:
        picture = noise_with(picture, rng.uniform(*FAINT_NOISE), rng)
    if rng.random() < 0.5:
        picture = jpeg_with(picture, int(rng.integers(*GOOD_QUALITY)))
    return picture


def _page(rng, width, height):
    """Lines of text on paper, black on white half of the time."""
    paper, ink = _paper_and_ink(rng)
    sheet = Image.new("RGB", (width, height), paper)
    pen = _pen(sheet, rng)
    size = int(rng.integers(*FONT_SIZES))
    font, bold = ImageFont.load_default(size), rng.random() < 0.2
    margin, y = rng.uniform(0, 2 * size), rng.uniform(0, 2 * size)
    while y < height:
        if rng.random() < 0.85:
            words = _words(rng, int(width * rng.uniform(0.4, 2) / size))
            pen.text((margin, y), words, ink, font, stroke_width=bold * size / 24)
        y += size * rng.uniform(1.2, 1.6)
    return sheet


def _window(rng, width, height):
    """A user interface: bars, boxes with labels, icons."""
    paper, ink = _paper_and_ink(rng)
    sheet = Image.new("RGB", (width, height), paper)
    pen = _pen(sheet, rng)
    pen.rectangle((0, 0, width, rng.integers(10, 40)), fill=_colour(rng))
    for _ in range(rng.integers(2, 16)):
        left, top = int(rng.integers(-10, width)), int(rng.integers(height))
        size = rng.integers(9, [width // 2, height // 3])
        box = left, top, left + int(size[0]), top + int(size[1])
        outline = _colour(rng) if rng.random() < 0.5 else None
        pen.rounded_rectangle(box, int(rng.integers(4)), _colour(rng), outline)
        font = ImageFont.load_default(int(rng.integers(9, 18)))
        pen.text((left + 5, top + 3), _words(rng, rng.integers(3, 20)), ink, font)
    return sheet


def _chart(rng, width, height):
    """Axes, grid lines, curves, bars and points."""
    paper, ink = _paper_and_ink(rng)
    sheet = Image.new("RGB", (2 * width, 2 * height), paper)
    pen = ImageDraw.Draw(sheet)
    pen.line((40, 10, 40, 2 * height - 40, 2 * width - 10, 2 * height - 40), ink, 2)
    for y in np.linspace(20, 2 * height - 40, rng.integers(2, 9)):
        pen.line((40, y, 2 * width - 10, y), _colour(rng), 2)
        pen.text((2, y - 8), _words(rng, 3), ink, ImageFont.load_default(18))
    for _ in range(rng.integers(1, 5)):
        x = np.linspace(40, 2 * width - 10, rng.integers(4, 40))
        y = height + rng.normal(0, height / 8, len(x)).cumsum()
        colour, form = _colour(rng), rng.integers(3)
        if form == 0:
            pen.line(np.stack([x, y], 1).ravel().tolist(), colour, int(rng.integers(2, 7)))
        for at in np.stack([x, y], 1) if form else []:
            if form == 1:
                pen.circle(at.tolist(), rng.uniform(3, 9), colour)
            elif at[1] < 2 * height - 40:
                pen.rectangle((*at, at[0] + width / len(x), 2 * height - 40), colour)
    return sheet.reduce(2)


def _shapes(rng, width, height):
    """A cartoon: overlapping ellipses and polygons, with outlines or without."""
    sheet = Image.new("RGB", (2 * width, 2 * height), _colour(rng))
    pen, outlined = ImageDraw.Draw(sheet), rng.random() < 0.6
    for _ in range(rng.integers(2, 30)):
        x, y = rng.uniform(0, 2 * width), rng.uniform(0, 2 * height)
        radii = rng.uniform(5, width / 2, 2)
        outline = _colour(rng) if rng.random() < 0.2 else (0, 0, 0)
        style = {"fill": _colour(rng), "outline": outline, "width": rng.integers(1, 8) * outlined}
        if rng.random() < 0.5:
            pen.ellipse((x - radii[0], y - radii[1], x + radii[0], y + radii[1]), **style)
        else:
            angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 8)))
            corners = np.stack([x + radii[0] * np.cos(angles), y + radii[1] * np.sin(angles)], 1)
            pen.polygon(corners.ravel().tolist(), **style)
    return sheet.reduce(2)


def _gradient(rng, width, height):
    """A smooth change between two to four colours, along a line or around a point."""
    y, x = np.mgrid[:height, :width] / max(width, height)
    angle, centre = rng.uniform(0, 2 * np.pi), rng.uniform(0, 1, 2)
    along = x * np.cos(angle) + y * np.sin(angle)
    around = np.hypot(x - centre[0], y - centre[1])
    place = along if rng.random() < 0.5 else around
    place = (place - place.min()) / max(np.ptp(place), 1e-6)
    colours = np.array([_colour(rng) for _ in range(rng.integers(2, 5))])
    stops = np.linspace(0, 1, len(colours))
    channels = [np.interp(place, stops, channel) for channel in colours.T]
    return Image.fromarray(np.rint(np.stack(channels, -1)).astype(np.uint8))


def _areas(rng, width, height):
    """Few plain colours, in rectangles."""
    sheet = Image.new("RGB", (width, height), _colour(rng))
    pen = ImageDraw.Draw(sheet)
    for _ in range(rng.integers(1, 5)):
        left, top = rng.integers(0, width), rng.integers(0, height)
        pen.rectangle((left, top, *rng.integers([left, top], [width, height])), _colour(rng))
    return sheet


DRAWINGS: tuple[Callable[[np.random.Generator, int, int], Image.Image], ...] = (
    _page, _window, _chart, _shapes, _gradient, _areas,
)  # fmt: skip


def _pen(sheet, rng):
    pen = ImageDraw.Draw(sheet)
    pen.fontmode = "1" if rng.random() < 0.1 else "L"  # letters without or with smooth edges
    return pen


def _colour(rng):
    return tuple(map(int, rng.integers(0, 256, 3)))


def _paper_and_ink(rng):
    """Two colours, dark on light or light on dark."""
    plain = rng.random(2) < 0.5
    light = (255, 255, 255) if plain[0] else tuple(map(int, rng.integers(190, 256, 3)))
    dark = (0, 0, 0) if plain[1] else tuple(map(int, rng.integers(0, 90, 3)))
    return (light, dark) if rng.random() < 0.7 else (dark, light)


def _words(rng, count):
    """Letters with spaces after every few of them."""
    letters = rng.choice(LETTERS, max(count, 1))
    return "".join(letter + " " * (rng.random() < 0.2) for letter in letters)
