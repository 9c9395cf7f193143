"""Squares around faces."""

import numpy as np

from stylefuse.inference.faces.face import Face

FRAME = 3.3  # side of a square of head and shoulders, in widths of the face
DOWN = 0.12  # its centre below the middle of the face, in widths of the face


def head_and_shoulders(
    face: Face, size: tuple[int, int], frame: float = FRAME
) -> tuple[int, int, int, int]:
    """A square around a face that lies in the picture.

    Args:
        face: in the picture.
        size: width and height of the picture.
        frame: side of the square, in widths of the face.

    Returns:
        Left, top, right and bottom in pixels.
    """
    side = min(round(frame * face.width), *size)
    centre = face.flat.mean(0) + np.array([0, DOWN * face.width])
    left, top = (
        int(np.clip(round(place - side / 2), 0, length - side))
        for place, length in zip(centre, size, strict=True)
    )
    return left, top, left + side, top + side
