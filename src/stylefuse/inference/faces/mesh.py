"""The face mesh: 468 points with depth (Kartynnik et al. 2019)."""

import numpy as np
from PIL import Image

from stylefuse.inference.faces.crop import CropFrame
from stylefuse.inference.faces.detector import Detection
from stylefuse.inference.faces.landmarks import LEFT_EYE_CORNER, RIGHT_EYE_CORNER
from stylefuse.inference.faces.networks import face_network

SIDE = 192  # pixels; of the square that the network looks at
MARGIN = 1.5  # side of the square, in sides of the face's box
PASSES = 3  # each begins with the square that the points of the last one suggest


def find_mesh(picture: Image.Image, detection: Detection) -> tuple[np.ndarray, float]:
    """The mesh of a detected face.

    Args:
        picture: "RGB".
        detection: where the face is.

    Returns:
        Points `[468, 3]`: x and y in pixels of the picture, and depth in the same unit, which grows
        away from the viewer; and the network's score that this is a face, 0…1.
    """
    box = detection.box.reshape(2, 2)
    frame = CropFrame(box.mean(0), MARGIN * float(np.ptp(box, 0).max()), _angle(*detection.eyes))
    for _ in range(PASSES):
        points, score = _mesh_in(picture, frame)
        frame = _frame_of(points, frame.angle)
    return points, score


def _mesh_in(picture: Image.Image, frame: CropFrame) -> tuple[np.ndarray, float]:
    crop = np.asarray(frame.cut(picture, SIDE))
    result = face_network("face_mesh")(picture=crop[None])
    points = result["points"].reshape(468, 3)
    flat = frame.to_picture(points[:, :2], SIDE)
    depth = points[:, 2:] * (frame.side / SIDE)
    score = float(1 / (1 + np.exp(-np.clip(result["score"].item(), -80, 80))))
    return np.concatenate([flat, depth], axis=1), score


def _frame_of(points: np.ndarray, angle: float) -> CropFrame:
    """The square around a mesh, turned with its eyes."""
    flat = points[:, :2]
    turned = CropFrame(flat.mean(0), 1.0, _angle(flat[LEFT_EYE_CORNER], flat[RIGHT_EYE_CORNER]))
    inner = turned.to_crop(flat, 1)
    low, high = inner.min(0), inner.max(0)
    centre = turned.to_picture((low + high) / 2, 1)
    return CropFrame(centre, MARGIN * float((high - low).max()), turned.angle)


def _angle(left: np.ndarray, right: np.ndarray) -> float:
    x, y = right - left
    return float(np.arctan2(y, x))
