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
    corner = np.rint(faces.points.mean(0) - side / 2).astype(int)
    whole, whole_mask = faces.character.copy(), np.zeros(faces.character.shape[:2], np.float32)
    height, width = whole.shape[:2]
    whole[faces.window], whole_mask[faces.window] = joined, mask
    # columns and rows of the square; what is outside of the picture repeats its border
    columns, rows = (
        np.clip(np.arange(side) + start, 0, length - 1)
        for start, length in zip(corner, (width, height), strict=True)
    )
    square = np.rint(np.clip(whole[rows][:, columns], 0, 255)).astype(np.uint8)
    composite = np.asarray(Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.LANCZOS))
    small_mask = _resized(whole_mask[rows][:, columns], SIDE)
    maps = feature_maps((faces.points - corner) * (SIDE / side), small_mask)
    change = network(composite, maps)
    enlarged = np.stack([_resized(change[..., i], side) for i in range(3)], axis=-1)
    added = np.zeros_like(whole)
    inside_rows, inside_columns = (
        np.arange(max(0, start), min(length, start + side))
        for start, length in zip(corner[::-1], (height, width), strict=True)
    )
    added[np.ix_(inside_rows, inside_columns)] = enlarged[
        np.ix_(inside_rows - corner[1], inside_columns - corner[0])
    ]
    healed: np.ndarray = joined + added[faces.window]
    return healed


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


def _resized(x: np.ndarray, side: int) -> np.ndarray:
    """A square map at another size."""
    picture = Image.fromarray(np.ascontiguousarray(x))
    return np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC))
