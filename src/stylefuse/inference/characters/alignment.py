"""A photograph's face and a character's, drawn so that their points lie at the same places."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from stylefuse.inference.characters import masks
from stylefuse.inference.characters.warp import ThinPlateSpline, apply, draw_warped, similarity
from stylefuse.inference.faces.crop import CropFrame
from stylefuse.inference.faces.face import Face
from stylefuse.inference.faces.landmarks import OVAL

PHOTO_SIDE = 2.6  # of what is cut out of the photograph, in widths of the face
RING, RING_SHARE = 1.45, 0.65  # around the face's outline; how far it follows the person's shape
FAR = 1.2  # sizes of the outline from its centre, where the character stays as it is
STEPS = 9  # along a side, of points that stay where they are
MARGIN = 0.35  # of the face's width around the window that is painted


@dataclass(frozen=True)
class AlignedFaces:
    """Two faces in the frame of a character's picture.

    Attributes:
        character: the character with the person's proportions, float32 `[height, width, 3]`,
            levels 0…255.
        person: the photograph in the window, float32 `[rows, columns, 3]`.
        points: of both faces in the character's picture, `[468, 2]`.
        corner: left and top of the window, in pixels of the character's picture.
        face_width: of the character, in pixels.
    """

    character: np.ndarray
    person: np.ndarray
    points: np.ndarray
    corner: tuple[int, int]
    face_width: float

    @property
    def size(self) -> masks.Size:
        """Width and height of the window."""
        return self.person.shape[1], self.person.shape[0]

    @property
    def inner_points(self) -> np.ndarray:
        """The points in the window, `[468, 2]`."""
        return self.points - np.array(self.corner)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the window in the character's picture."""
        (left, top), (width, height) = self.corner, self.size
        return slice(top, top + height), slice(left, left + width)


def align(
    photo: Image.Image, person: Face, picture: Image.Image, character: Face, shape: float
) -> AlignedFaces:
    """Draw a character with a person's proportions, and the person in the character's pose.

    The person's mesh is laid over the character's in space, so that a difference of pose does not
    count as one of proportions.

    Args:
        photo: "RGB".
        person: the face in it.
        picture: of the character, "RGB".
        character: the face in it.
        shape: 0 for the character's proportions, 1 for the person's.
    """
    own = character.flat
    turned = apply(similarity(person.points, character.points), person.points)[:, :2]
    points = own + shape * (turned - own)
    drawn = _draw_character(picture, own, points, character.width)
    corner, size = _window(points, character.width, picture.size)
    drawn_person = _draw_person(photo, person, points, character.width, corner, size)
    return AlignedFaces(drawn, drawn_person, points, corner, character.width)


def _draw_character(
    picture: Image.Image, own: np.ndarray, points: np.ndarray, face_width: float
) -> np.ndarray:
    still = _far_points(points, picture.size)
    ring = _ring(points)
    sources = np.concatenate([points, ring, still])
    targets = np.concatenate([own, ring + RING_SHARE * (_ring(own) - ring), still])
    spline = ThinPlateSpline(sources, targets, face_width)
    return draw_warped(np.asarray(picture), spline, (0, 0), picture.size)


def _draw_person(
    photo: Image.Image, person: Face, points: np.ndarray, face_width: float,
    corner: tuple[int, int], size: masks.Size,
) -> np.ndarray:  # fmt: skip
    placing = similarity(person.flat, points)
    scale, angle = np.hypot(*placing[0]), np.arctan2(placing[0, 1], placing[0, 0])
    side = round(PHOTO_SIDE * face_width)
    frame = CropFrame(person.flat.mean(0), side / scale, -angle)
    crop, inner = np.asarray(frame.cut(photo, side)), frame.to_crop(person.flat, side)
    far = _far_points(points, (corner[0] + size[0], corner[1] + size[1]))
    sources = np.concatenate([points, far])
    targets = np.concatenate([inner, apply(similarity(points, inner), far)])
    spline = ThinPlateSpline(sources, targets, face_width)
    return draw_warped(crop, spline, corner, size)


def _ring(points: np.ndarray) -> np.ndarray:
    outline = points[list(OVAL)]
    centre = outline.mean(0)
    return centre + (outline - centre) * RING


def _far_points(points: np.ndarray, size: masks.Size) -> np.ndarray:
    """Points in and around a picture that are far from the face."""
    outline = points[list(OVAL)]
    low = np.minimum(outline.min(0) - 2 * np.ptp(outline, 0), 0)
    high = np.maximum(outline.max(0) + 2 * np.ptp(outline, 0), size)
    axes = [np.linspace(a, b, STEPS) for a, b in zip(low, high, strict=True)]
    places = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, 2)
    distance = np.linalg.norm((places - outline.mean(0)) / np.ptp(outline, 0), axis=1)
    return places[distance > FAR]


def _window(
    points: np.ndarray, face_width: float, size: masks.Size
) -> tuple[tuple[int, int], masks.Size]:
    """Left and top, width and height of what is painted anew."""
    margin = MARGIN * face_width
    low = np.clip(np.floor(points.min(0) - margin), 0, None).astype(int)
    high = np.clip(np.ceil(points.max(0) + margin), None, size).astype(int)
    (left, top), (width, height) = low, high - low
    return (int(left), int(top)), (int(width), int(height))
