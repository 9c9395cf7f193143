"""Damage of a picture's colours: each pixel changes by itself, and alike everywhere.

Functions take and return pictures as those of `capture_damage`. What they draw does not depend on
the picture, so that the same random numbers change two pictures in the same way.
"""

import numpy as np
from PIL import Image

from stylefuse.images.colour import LUMA
from stylefuse.models.restore.capture_damage import to_levels

SEPIA_TINT = np.array([1.12, 0.98, 0.78], np.float32)  # of luma 1


def fade(picture, rng, wide):
    """Faded: each channel keeps 0.3 to 0.8 of its range above the pale paper's colour, with a γ
    from 0.7 to 1.3.

    Dyes fade at different rates, which causes a colour cast; the paper lifts the blacks.
    """
    keep = rng.uniform(0.4, 0.7) + rng.uniform(-0.1, 0.1, 3)
    paper = rng.uniform(120, 220) + rng.uniform(-30, 30, 3)
    levels = np.linspace(0, 1, 256)[:, None] ** rng.uniform(0.7, 1.3, 3)
    return _apply_curves(picture, 255 * keep * levels + (1 - keep) * paper)


def cast(picture, rng, wide):
    """A colour cast, as by the wrong light or one failing dye: each channel is darkened by up to
    0.35, or 0.5 in the wide range, with a γ from 0.85 to 1.18; one keeps its white."""
    gains = rng.uniform(0.5 if wide else 0.65, 1, 3)
    gains[rng.integers(3)] = 1
    levels = np.linspace(0, 1, 256)[:, None] ** np.exp(rng.uniform(-0.165, 0.165, 3))
    return _apply_curves(picture, 255 * gains * levels)


def sepia(picture, rng, wide):
    """Sepia: 0.5 to 1 of the colour is replaced by luminance in one tint, from grey to
    `SEPIA_TINT`."""
    share, tint = rng.uniform(0.5, 1), 1 + rng.uniform(0, 1) * (SEPIA_TINT - 1)
    matrix = (1 - share) * np.eye(3) + share * np.outer(LUMA, tint)
    return to_levels(picture @ matrix.astype(np.float32))


def _apply_curves(picture, curves):
    """Map the levels of each channel by a curve, `[256, 3]`."""
    return np.asarray(Image.fromarray(picture).point(to_levels(curves).T.ravel().tolist()))
