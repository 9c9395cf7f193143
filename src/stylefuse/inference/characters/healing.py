"""Takes the faults of a composite out of a painted face, with the healer network.

The network sees the face at one size, and what it changes is enlarged to that of the picture, so
that the picture's own detail stays.
"""

from collections.abc import Callable

import numpy as np
from PIL import Image

from stylefuse.inference.characters import masks
from stylefuse.inference.characters.alignment import AlignedFaces
from stylefuse.inference.faces import landmarks

SIDE = 128  # pixels; of the square that the network looks at
FACE_WIDTH = 96  # pixels; of the face in it
MAP_EDGE = 0.7  # σ of the maps of features, in pixels
FEATURES = (
    (landmarks.LEFT_EYE, landmarks.RIGHT_EYE),
    (landmarks.LEFT_BROW, landmarks.RIGHT_BROW),
    (landmarks.LIPS,),
)

Network = Callable[[np.ndarray, np.ndarray], np.ndarray]


def heal(faces: AlignedFaces, joined: np.ndarray, mask: np.ndarray, network: Network) -> np.ndarray:
    """Heal a composite.

    Args:
        faces: of which it was made.
        joined: levels of the window, `[rows, columns, 3]`.
        mask: of the painted face in it, `[rows, columns]`, 0…1.
        network: a square of the composite, uint8 `[SIDE, SIDE, 3]`, and maps of mask and features,
            float32 `[SIDE, SIDE, 4]`, 0…1 → what is to be added, levels, float32
            `[SIDE, SIDE, 3]`.

    Returns:
        Levels of the window, float32 `[rows, columns, 3]`, not clipped.
    """
    side = round(SIDE * faces.face_width / FACE_WIDTH)
    left, top = np.rint(faces.points.mean(0) - side / 2).astype(int)
    whole = faces.character.copy()
    whole[faces.window] = joined
    # columns and rows of the square; what is outside of the picture repeats its border
    columns, rows = (
        np.clip(np.arange(side) + start, 0, length - 1)
        for start, length in zip((left, top), whole.shape[1::-1], strict=True)
    )
    square = np.rint(np.clip(whole[rows][:, columns], 0, 255)).astype(np.uint8)
    composite = np.asarray(Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    points = (faces.points - np.array([left, top])) * (SIDE / side)
    change = _resized(
        network(composite, feature_maps(points, _scaled(mask, faces, (left, top), side))), side
    )
    padded = np.zeros_like(whole)
    inside_rows, inside_columns = (
        slice(max(0, start), min(length, start + side))
        for start, length in zip((top, left), whole.shape[:2], strict=True)
    )
    padded[inside_rows, inside_columns] = change[
        inside_rows.start - top : inside_rows.stop - top,
        inside_columns.start - left : inside_columns.stop - left,
    ]
    return joined + padded[faces.window]


def _scaled(mask, faces, corner, side):
    whole = np.zeros(faces.character.shape[:2], np.float32)
    whole[faces.window] = mask
    box = Image.fromarray(whole).transform(
        (side, side), Image.Transform.AFFINE, (1, 0, corner[0], 0, 1, corner[1])
    )
    return np.asarray(box.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def feature_maps(flat: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Maps of the mask, eyes, brows and lips.

    Args:
        flat: `[468, 2]`, in pixels of the maps.
        mask: `[height, width]`.

    Returns:
        float32 `[height, width, 4]`, 0…1.
    """
    size = mask.shape[1], mask.shape[0]
    parts = [
        np.maximum.reduce([masks.polygon(flat[list(part)], size, MAP_EDGE) for part in group])
        for group in FEATURES
    ]
    return np.stack([mask, *parts], axis=-1).astype(np.float32)


def _resized(change: np.ndarray, side: int) -> np.ndarray:
    bands = [
        Image.fromarray(np.ascontiguousarray(change[..., i])).resize(
            (side, side), Image.Resampling.BICUBIC
        )
        for i in range(3)
    ]
    return np.stack([np.asarray(band) for band in bands], axis=-1)
