"""Face detection with BlazeFace (Bazarevsky et al. 2019), as MediaPipe has it for any distance."""

from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image

from stylefuse.inference.faces.networks import face_network

SIDE = 256  # pixels; of the square that the network looks at
GRIDS = ((16, 2), (8, 6))  # cells along a side, and anchors in each cell
MIN_SCORE = 0.5
MAX_OVERLAP = 0.3  # intersection over union of two faces
TILE_SHARE = 0.6  # of the picture's sides, where small faces are looked for
BLACK = (0, 0, 0)


class Detection(NamedTuple):
    """A face as the detector sees it, in pixels of the picture.

    Attributes:
        score: 0…1.
        box: left, top, right and bottom, `[4]`.
        eyes: x and y of the eye that is left in the picture, and of the other, `[2, 2]`, for a face
            that is upright.
    """

    score: float
    box: np.ndarray
    eyes: np.ndarray


def detect_faces(picture: Image.Image) -> list[Detection]:
    """Find faces, from the most certain to the least.

    Faces that are small in the whole picture are found in overlapping quarters of it.

    Args:
        picture: "RGB".
    """
    return _without_overlaps(_detect(picture) + _detect_in_quarters(picture))


def _detect_in_quarters(picture: Image.Image) -> list[Detection]:
    width, height = (round(TILE_SHARE * side) for side in picture.size)
    if min(width, height) < SIDE // 2:
        return []
    faces = []
    for left in (0, picture.width - width):
        for top in (0, picture.height - height):
            part = picture.crop((left, top, left + width, top + height))
            shift = np.array([left, top])
            faces += [
                Detection(face.score, face.box + np.tile(shift, 2), face.eyes + shift)
                for face in _detect(part)
            ]
    return faces


def _detect(picture: Image.Image) -> list[Detection]:
    """Find faces in a picture that is scaled to the network's square."""
    longer = max(picture.size)
    scale = SIDE / longer
    size = [max(1, round(side * scale)) for side in picture.size]
    square = Image.new("RGB", (SIDE, SIDE), BLACK)
    square.paste(picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))
    result = face_network("face_detector")(picture=np.asarray(square)[None])
    # the network gives logits; a large one must not overflow
    scores = 1 / (1 + np.exp(-np.clip(result["scores"][0, :, 0], -80, 80)))
    likely = np.flatnonzero(scores > MIN_SCORE)
    values = result["boxes"][0, likely].reshape(-1, 8, 2) / SIDE  # centre, size, six points
    anchors = _anchors()[likely]
    centres, sizes, eyes = values[:, 0] + anchors, values[:, 1], values[:, 2:4] + anchors[:, None]
    boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
    return _without_overlaps(
        [
            Detection(float(score), box * longer, eye_pair * longer)
            for score, box, eye_pair in zip(scores[likely], boxes, eyes, strict=True)
        ]
    )


def _without_overlaps(faces: list[Detection]) -> list[Detection]:
    """Non-maximum suppression."""
    kept: list[Detection] = []
    for face in sorted(faces, key=lambda face: -face.score):
        if all(_overlap(face.box, other.box) < MAX_OVERLAP for other in kept):
            kept.append(face)
    return kept


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over the smaller box, so that a part of a face is no second face."""
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    smaller = min(np.prod(a[2:] - a[:2]), np.prod(b[2:] - b[:2]))
    return float(np.prod(np.maximum(sides, 0)) / max(smaller, 1e-9))


@cache
def _anchors() -> np.ndarray:
    """Centres of the network's anchors as shares of the square, `[896, 2]`."""
    grids = []
    for cells, count in GRIDS:
        rows, columns = np.divmod(np.arange(cells * cells).repeat(count), cells)
        grids.append((np.stack([columns, rows], axis=1) + 0.5) / cells)
    return np.concatenate(grids)
