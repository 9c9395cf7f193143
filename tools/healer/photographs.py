"""What a photograph of a painted person might look like: other light, and the faults of pictures.

Lightness is that of L*a*b*; lengths are in pixels.
"""

from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator

from stylefuse.inference.characters import masks
from stylefuse.inference.characters.filters import blur, guided
from stylefuse.inference.characters.lab import to_lab, to_rgb
from stylefuse.inference.faces import landmarks
from stylefuse.inference.faces.landmarks import CHIN, FOREHEAD

CHIN_OUTLINE = 58, 172, 150, 152, 379, 397, 288


class Portrait(NamedTuple):
    """A painted face.

    Attributes:
        picture: uint8 `[side, side, 3]`.
        points: of its mesh, `[468, 3]`.
        width: of the face in pixels.
        beard: whether it has one.
        normals: of its surface, `[side, side, 3]`, see `surface_normals`.
    """

    picture: np.ndarray
    points: np.ndarray
    width: float
    beard: bool
    normals: np.ndarray


def photograph(truth: np.ndarray, portrait: Portrait, rng: np.random.Generator) -> np.ndarray:
    """A photograph of a painted person, in other light."""
    width, flat = portrait.width, portrait.points[:, :2]
    size = truth.shape[1::-1]
    lab = to_lab(truth)
    lightness, colour = lab[..., 0], lab[..., 1:]
    if rng.random() < 0.8:  # brush strokes are no part of a photograph
        radius = int(rng.integers(1, 4))
        lightness = guided(lightness, lightness, radius, rng.uniform(10, 120))
    lightness = blur(lightness, rng.uniform(0.2, 1.6) * width / 96)
    low = blur(lightness, width / 8)
    gain = rng.uniform(0.6, 1.2)
    lightness = 55 + gain * (lightness - low) + rng.uniform(0, 0.7) * (low - low.mean())
    lightness = lightness + _light(portrait, size, rng)
    if portrait.beard and rng.random() < 0.5:  # white hair
        lightness = lightness + rng.uniform(5, 35) * beard_mask(flat, size, width)
    if rng.random() < 0.35:
        lightness = lightness - _locks(flat, size, width, rng)
    if rng.random() < 0.12:
        lightness = lightness - _glasses(flat, size, width, rng)
    if rng.random() < 0.25:
        lightness = lightness + _hatching(size, width, rng)
    noise = rng.standard_normal(lightness.shape).astype(np.float32)
    lightness = lightness + rng.uniform(0, 5) * blur(noise, rng.uniform(0.3, 1.2)) * 2
    colour = colour * rng.choice([0.0, rng.uniform(0.4, 1.2)]) + rng.normal(0, 4, 2)
    return to_rgb(np.concatenate([lightness[..., None], colour], -1).astype(np.float32))


def _light(portrait: Portrait, size: masks.Size, rng: np.random.Generator) -> np.ndarray:
    """Light and shadow on the mesh, of lightness: Lambert's law with a hard or a soft edge."""
    normals = portrait.normals
    angle = rng.uniform(0, 2 * np.pi)
    side = rng.uniform(0.3, 1.0)
    direction = np.array([np.cos(angle), -abs(np.sin(angle)) * rng.choice([1, 1, -0.5]), 0])
    direction = side * direction + np.array([0, 0, -np.sqrt(max(0, 1 - side**2))])
    shade = normals @ direction
    inner = masks.inner_face(portrait.points[:, :2], size, 1) > 0.5
    shade = (shade - shade[inner].mean()) / (shade[inner].std() + 1e-3)
    if rng.random() < 0.6:
        softness = rng.uniform(0.1, 0.8)
        shade = 1.2 * np.tanh((shade - rng.uniform(-1, 0.6)) / softness)
    light = rng.uniform(3, 17) * shade
    if rng.random() < 0.5:  # cast shadows
        noise = blur(rng.standard_normal(shade.shape).astype(np.float32), portrait.width / 9)
        field = noise / noise.std() + rng.uniform(-1.5, -0.5)
        light = light - rng.uniform(2, 9) * (1 + np.tanh(field / rng.uniform(0.1, 1.2)))
    if rng.random() < 0.5:  # of the brows, over the eyes
        eyes = [masks.polygon(portrait.points[list(part), :2], size, portrait.width / 40, 1.9)
                for part in (landmarks.LEFT_EYE, landmarks.RIGHT_EYE)]  # fmt: skip
        shares = rng.uniform(0, 14), rng.uniform(0, 14)
        light = light - sum(s * eye for s, eye in zip(shares, eyes, strict=True))
    return light.astype(np.float32)


def surface_normals(points: np.ndarray, size: masks.Size, width: float) -> np.ndarray:
    """Normals of a mesh's smoothed surface, which point towards the viewer."""
    flat, depth = points[:, :2], points[:, 2]
    columns, rows = np.meshgrid(np.arange(0, size[0], 2), np.arange(0, size[1], 2))
    places = np.stack([columns, rows], -1)
    values = LinearNDInterpolator(flat, depth)(places)
    outside = np.isnan(values)
    values[outside] = NearestNDInterpolator(flat, depth)(places[outside])
    surface = Image.fromarray(values.astype(np.float32)).resize(size, Image.Resampling.BICUBIC)
    surface = blur(np.asarray(surface), width / 32)
    down, right = np.gradient(surface)
    normals = np.stack([right, down, -np.ones_like(surface)], -1)
    return normals / np.linalg.norm(normals, axis=-1, keepdims=True)


def _locks(flat, size, width, rng) -> np.ndarray:
    """Dark locks of hair that hang over the forehead and the brows."""
    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    up = flat[FOREHEAD] - flat[CHIN]
    across = np.array([-up[1], up[0]]) * 0.7
    start = flat[FOREHEAD] + rng.uniform(-0.5, 0.5) * across
    for _ in range(rng.integers(2, 9)):
        a = start + rng.normal(0, 0.06, 2) * width
        b = a - up * rng.uniform(0.2, 0.5) + across * rng.normal(0, 0.15)
        middle = (a + b) / 2 + across * rng.normal(0, 0.08)
        steps = np.linspace(0, 1, 9)[:, None]
        curve = (1 - steps) ** 2 * a + 2 * steps * (1 - steps) * middle + steps**2 * b
        draw.line([tuple(p) for p in curve], fill=int(rng.integers(90, 255)),
                  width=int(rng.integers(1, max(2, width / 18))))  # fmt: skip
    soft = mask.filter(ImageFilter.GaussianBlur(rng.uniform(0.6, 1.5)))
    return np.asarray(soft, np.float32) / 255 * rng.uniform(15, 35)


def _glasses(flat, size, width, rng) -> np.ndarray:
    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    radius = width * rng.uniform(0.13, 0.18)
    for part in (landmarks.LEFT_EYE, landmarks.RIGHT_EYE):
        x, y = flat[list(part)].mean(0)
        box = (x - radius, y - radius * 0.8, x + radius, y + radius)
        draw.ellipse(box, outline=255, width=int(rng.integers(1, 3)))
    soft = mask.filter(ImageFilter.GaussianBlur(0.7))
    return np.asarray(soft, np.float32) / 255 * rng.uniform(-30, 40)


def _hatching(size, width, rng) -> np.ndarray:
    """Lines of an engraving."""
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    angle, wave = rng.uniform(0, np.pi), width * rng.uniform(0.02, 0.045)
    phase = (np.cos(angle) * columns + np.sin(angle) * rows) / wave
    bend = blur(rng.standard_normal(phase.shape).astype(np.float32), width / 8)
    lines = np.sin(2 * np.pi * (phase + 2 * bend / bend.std() * 0.3))
    where = blur(rng.standard_normal(phase.shape).astype(np.float32), width / 7)
    return lines * rng.uniform(3, 14) * (where > 0.3 * where.std())


def beard_mask(flat: np.ndarray, size: masks.Size, width: float) -> np.ndarray:
    """Where a beard may be, 0…1."""
    up = flat[FOREHEAD] - flat[CHIN]
    outline = flat[list(masks.LOWER_OVER_BEARD)]
    chin = flat[list(CHIN_OUTLINE)] - up * 0.12
    below = masks.polygon(np.concatenate([outline[3:8], chin]), size, width / 30)
    above = masks.polygon(np.concatenate([outline, chin]), size, width / 30)
    return np.maximum(above, below)
