"""Faces in pictures."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from PIL import Image

from stylefuse.inference.faces.detector import Detection, detect_faces
from stylefuse.inference.faces.landmarks import (
    CHIN,
    FOREHEAD,
    LEFT_CHEEK,
    LEFT_EYE_CORNER,
    RIGHT_CHEEK,
    RIGHT_EYE_CORNER,
)
from stylefuse.inference.faces.mesh import find_mesh

MIN_MESH_SCORE = 0.5
CERTAIN, UPRIGHT_BONUS = 0.85, 0.05  # scores of the detector
TURNS = {  # of a picture without a certain upright face, anticlockwise in degrees
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    270: Image.Transpose.ROTATE_270,
}


class Pose(NamedTuple):
    """Which way a face looks, in degrees; all are 0 for one that looks at the viewer.

    Attributes:
        yaw: positive if it looks to the right of the picture.
        pitch: positive if it looks down.
        roll: positive if it is tilted clockwise.
    """

    yaw: float
    pitch: float
    roll: float

    def distance(self, other: "Pose") -> float:
        """How far apart two faces look, in degrees; a tilt does not count, as it is undone."""
        return float(np.hypot(self.yaw - other.yaw, self.pitch - other.pitch))

    def mirrored(self) -> "Pose":
        return Pose(-self.yaw, self.pitch, -self.roll)


@dataclass(frozen=True)
class Face:
    """A face in a picture.

    Attributes:
        points: `[468, 3]`, see `find_mesh`.
        score: of the mesh network that this is a face, 0…1.
        certainty: of the detector, 0…1.
    """

    points: np.ndarray
    score: float
    certainty: float

    @property
    def flat(self) -> np.ndarray:
        """The points in the picture, `[468, 2]`."""
        return self.points[:, :2]

    @property
    def width(self) -> float:
        """From ear to ear in pixels, as if the face looked at the viewer."""
        return float(np.linalg.norm(self.points[RIGHT_CHEEK] - self.points[LEFT_CHEEK]))

    @property
    def pose(self) -> Pose:
        return pose_of(self.points)


def pose_of(points: np.ndarray) -> Pose:
    """The pose of a mesh, from its axes: ear to ear, and forehead to chin.

    Args:
        points: `[468, 3]`.
    """
    x, y, z = points[RIGHT_CHEEK] - points[LEFT_CHEEK]
    yaw = np.arctan2(z, np.hypot(x, y))
    down = points[CHIN] - points[FOREHEAD]
    pitch = np.arctan2(down[2], np.hypot(*down[:2]))
    eyes = points[RIGHT_EYE_CORNER] - points[LEFT_EYE_CORNER]
    return Pose(*(float(np.degrees(a)) for a in (yaw, pitch, np.arctan2(eyes[1], eyes[0]))))


def find_faces(picture: Image.Image) -> list[Face]:
    """The faces in a picture, from the largest to the smallest.

    They may lie on their side or stand on their head, if all do so alike.

    Args:
        picture: "RGB".
    """
    faces = []
    for detection in _detect_in_any_turn(picture):
        points, score = find_mesh(picture, detection)
        if score >= MIN_MESH_SCORE:
            faces.append(Face(points, score, detection.score))
    return sorted(faces, key=lambda face: -face.width)


def _detect_in_any_turn(picture: Image.Image) -> list[Detection]:
    """Faces of the quarter turn that shows the most certain one.

    A head that stands on its hair may look a little like a face, so that turns are also tried
    where upright faces are uncertain.
    """
    best = detect_faces(picture)
    certainty = best[0].score + UPRIGHT_BONUS if best else 0.0
    if certainty > CERTAIN:
        return best
    for degrees, turn in TURNS.items():
        detections = detect_faces(picture.transpose(turn))
        if detections and detections[0].score > certainty:
            certainty = detections[0].score
            best = [_turned_back(face, degrees, picture.size) for face in detections]
    return best


def _turned_back(face: Detection, degrees: int, size: tuple[int, int]) -> Detection:
    """A detection of a turned picture in the picture itself, whose size is given."""

    def back(points: np.ndarray) -> np.ndarray:
        x, y = points[..., 0], points[..., 1]
        turned = {90: (size[0] - y, x), 180: (size[0] - x, size[1] - y), 270: (y, size[1] - x)}
        return np.stack(turned[degrees], axis=-1)

    corners = back(face.box.reshape(2, 2))
    return Detection(face.score, np.concatenate([corners.min(0), corners.max(0)]), back(face.eyes))


def shifted(face: Face, corner: tuple[float, float], scale: float) -> Face:
    """A face in a part of its picture that begins at a corner and is scaled."""
    points = (face.points - np.array([*corner, 0])) * scale
    return replace(face, points=points)
