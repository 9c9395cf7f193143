"""Soft masks of parts of a face, drawn from the points of its mesh."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from stylefuse.inference.faces import landmarks as points_of

UPPER = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)  # along the brows
LOWER = (
    454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152, 148, 176, 149, 150, 136, 172, 58, 132,
    93, 234,
)  # fmt: skip
LOWER_OVER_BEARD = 454, 323, 361, 425, 327, 2, 98, 205, 132, 93, 234
BROWS, FADE = 0.02, 0.07  # heights above the middle of the brows, in heights of the face, between
# which the mask fades out, because a fringe of hair may begin there
SHRINK = 0.97
FEATURES = (  # outline, and its scale
    (points_of.LEFT_EYE, 1.7), (points_of.RIGHT_EYE, 1.7), (points_of.LIPS, 1.25),
    (points_of.LEFT_BROW, 1.35), (points_of.RIGHT_BROW, 1.35),
)  # fmt: skip


Size = tuple[int, int]  # width and height in pixels


def polygon(outline: np.ndarray, size: Size, blur: float, scale: float = 1.0) -> np.ndarray:
    """A polygon with soft edges.

    Args:
        outline: `[n, 2]`, in pixels.
        size: of the mask.
        blur: σ in pixels.
        scale: of the polygon about its centre.

    Returns:
        float32 `[height, width]`, 0…1.
    """
    centre = outline.mean(0)
    corners = [tuple(corner) for corner in centre + (outline - centre) * scale]
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon(corners, fill=255)
    return _blurred(mask, blur)


def inner_face(
    flat: np.ndarray, size: Size, blur: float, beard: bool = False, scale: float = SHRINK
) -> np.ndarray:
    """The face without forehead and ears: brows, cheeks and chin; it fades out above the brows.

    Args:
        flat: `[468, 2]`, in pixels.
        size: of the mask.
        blur: σ in pixels.
        beard: leave out what a beard covers.
        scale: of the outline about its centre.
    """
    up = flat[points_of.FOREHEAD] - flat[points_of.CHIN]
    lower = LOWER_OVER_BEARD if beard else LOWER
    outline = np.concatenate([flat[list(UPPER)] + up * FADE, flat[list(lower)]])
    return polygon(outline, size, blur, scale) * below_brows(flat, size)


def below_brows(flat: np.ndarray, size: Size) -> np.ndarray:
    """1 up to the brows, fading to 0 above them.

    Args:
        flat: `[468, 2]`, in pixels.
        size: of the mask.
    """
    up = flat[points_of.FOREHEAD] - flat[points_of.CHIN]
    columns, rows = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    places = np.stack([columns, rows], axis=-1) - flat[list(UPPER)].mean(0)
    height = places @ up / (up @ up)  # in heights of the face
    faded: np.ndarray = np.clip((FADE - height) / (FADE - BROWS), 0, 1)
    return faded.astype(np.float32)


def features(flat: np.ndarray, size: Size, blur: float) -> np.ndarray:
    """Eyes, brows and lips."""
    parts = [polygon(flat[list(part)], size, 0, scale) for part, scale in FEATURES]
    joined = np.rint(255 * np.maximum.reduce(parts)).astype(np.uint8)
    return _blurred(Image.fromarray(joined), blur)


def _blurred(mask: Image.Image, blur: float) -> np.ndarray:
    return np.asarray(mask.filter(ImageFilter.GaussianBlur(blur)), np.float32) / 255
