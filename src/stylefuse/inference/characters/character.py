"""The character that a person becomes: a painting with a face in it."""

from dataclasses import dataclass

from PIL import Image, ImageOps

from stylefuse.errors import UserError
from stylefuse.images.open import flatten
from stylefuse.images.resize import limit_side, rescale
from stylefuse.inference.characters.options import MAX_SIZE
from stylefuse.inference.faces.face import Face, find_faces
from stylefuse.inference.faces.frame import head_and_shoulders

MAX_OWN_SIZE = 1024  # pixels; larger pictures are scaled down where no size is asked for
MIN_FACE = 72  # pixels; a picture in which the face is smaller is cut to head and shoulders


@dataclass(frozen=True)
class Character:
    """A painting of a face, ready to paint into.

    Attributes:
        picture: "RGB".
        face: in the picture.
        beard: whether a beard covers the lower half of the face.
    """

    picture: Image.Image
    face: Face
    beard: bool = False


def make_character(
    picture: Image.Image, name: str, size: int, mirrored: bool, beard: bool = False
) -> Character:
    """Prepare a painting.

    Args:
        picture: a painting of a face, "RGB" or "RGBA".
        name: of the picture, for messages.
        size: longer side in pixels; 0 for the picture's own.
        mirrored: whether to mirror it.
        beard: whether a beard covers the lower half of the face.

    Raises:
        UserError: there is no face in the picture, or the size is too large for it.
    """
    opaque = flatten(picture)
    check_size(opaque.size, size)
    opaque = ImageOps.mirror(opaque) if mirrored else opaque
    scaled = _scaled(opaque, size)
    face = _only_face(scaled, name)
    if face.width < MIN_FACE:
        crop = opaque.crop(head_and_shoulders(_only_face(opaque, name), opaque.size))
        scaled = _scaled(crop, size)
        face = _only_face(scaled, name)
    return Character(scaled, face, beard)


def check_size(own: tuple[int, int], size: int) -> None:
    """Check that a result of a size can be painted after a picture of its own size.

    Raises:
        UserError: it would be larger than the picture, and than `MAX_SIZE`.
    """
    limit = max(MAX_SIZE, *own)
    if size > limit:
        raise UserError(
            f"size {size} is more than the {limit} pixels that this character can be painted at",
            code="option-out-of-range",
        )


def _scaled(picture: Image.Image, size: int) -> Image.Image:
    if size:
        return rescale(picture, size / max(picture.size))
    return limit_side(picture, MAX_OWN_SIZE)


def _only_face(picture: Image.Image, name: str) -> Face:
    """The largest face in a painting."""
    faces = find_faces(picture)
    if not faces:
        raise UserError(
            f"there is no face in {name} that can be recognised; choose a picture in which a face "
            "is seen from the front, or a character of `stylefuse character --list`",
            code="character-without-face",
        )
    return faces[0]
