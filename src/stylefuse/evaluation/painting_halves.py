"""Pairs for the stroke score: half of each painting is the style, the other half judges."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stylefuse.images.open import flatten, open_picture
from stylefuse.images.resize import rescale

CROPS = 6  # of the half that judges
CROP_SHARE = 0.5  # of the painting's shorter side


class Halves(NamedTuple):
    """The two halves of some paintings.

    Attributes:
        styles: uint8 `[height, width, 3]` each, for the model.
        crops: uint8 `[paintings, CROPS, side, side, 3]`, of the other halves.
    """

    styles: list[np.ndarray]
    crops: np.ndarray


def halve(paths: Sequence[str], size: int) -> Halves:
    """Halve paintings across their longer side.

    Args:
        paths: of the paintings.
        size: of a painting's shorter side, pixels.
    """
    scaled = [_scaled(Path(path), size) for path in paths]
    halves = [np.array_split(x, 2, axis=int(x.shape[1] >= x.shape[0])) for x in scaled]
    side = round(CROP_SHARE * size)
    return Halves([first for first, _ in halves], np.stack([_crops(x, side) for _, x in halves]))


def _scaled(path: Path, size: int) -> np.ndarray:
    picture = flatten(open_picture(path))
    return np.asarray(rescale(picture, size / min(picture.size)))


def _crops(half: np.ndarray, side: int) -> np.ndarray:
    """Crops spread over a picture, in two rows or columns of three."""
    spare_y, spare_x = (n - side for n in half.shape[:2])
    across = np.linspace(0, 1, CROPS // 2)
    places = [(a, b) for a in (0, 1) for b in across]
    if spare_y > spare_x:
        places = [(b, a) for a, b in places]
    corners = [(round(a * spare_y), round(b * spare_x)) for a, b in places]
    return np.stack([half[y : y + side, x : x + side] for y, x in corners])
