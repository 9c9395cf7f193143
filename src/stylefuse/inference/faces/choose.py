"""The face of a photograph that is to be painted."""

from PIL import Image

from stylefuse.errors import UserError
from stylefuse.inference.faces.face import Face, find_faces

MIN_WIDTH = 40  # pixels, from ear to ear
MAX_YAW = 50.0  # degrees; beyond it one half of the face is hidden
MAX_OUTSIDE = 0.12  # share of the mesh's points that may be outside the picture


def faces_of(photo: Image.Image, name: str) -> list[Face]:
    """The faces in a photograph, from the largest to the smallest.

    Args:
        photo: "RGB".
        name: of the photograph, for messages.

    Raises:
        UserError: there is none.
    """
    faces = find_faces(photo)
    if not faces:
        raise UserError(
            f"there is no face in {name} that can be recognised; choose a photograph in which a "
            "person is seen from the front, or add --whole to paint it without one",
            code="face-missing",
        )
    return faces


def choose_face(faces: list[Face], number: int, size: tuple[int, int], name: str) -> Face:
    """A face that can be painted.

    Args:
        faces: of `faces_of`.
        number: of the face, from 1 for the largest.
        size: width and height of the photograph.
        name: of the photograph, for messages.

    Raises:
        UserError: there is no such face; or it is too small, cut off or seen from the side.
    """
    if number > len(faces):
        count = f"{len(faces)} face{'s' * (len(faces) > 1)}"
        raise UserError(
            f"{name} has {count}, and no number {number}; face 1 is the largest",
            code="face-number-invalid",
        )
    face = faces[number - 1]
    if face.width < MIN_WIDTH:
        raise UserError(
            f"the face in {name} is only {round(face.width)} pixels wide; choose a photograph in "
            f"which it has at least {MIN_WIDTH}",
            code="face-too-small",
        )
    outside = (face.flat < 0) | (face.flat > size)
    if outside.any(axis=1).mean() > MAX_OUTSIDE:
        raise UserError(
            f"the face in {name} is cut off at the picture's edge; choose a photograph that shows "
            "all of it",
            code="face-cut-off",
        )
    if abs(face.pose.yaw) > MAX_YAW:
        raise UserError(
            f"the face in {name} is seen from the side; choose a photograph in which both eyes are "
            "seen",
            code="face-in-profile",
        )
    return face
