"""Squares around faces, and pictures turned so that a face is upright."""

from dataclasses import replace

import numpy as np
from PIL import Image

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


def upright(picture: Image.Image, face: Face) -> tuple[Image.Image, Face]:
    """Turn a picture by as many quarters as bring a face nearest to upright.

    Args:
        picture: that shows the face.
        face: in it.

    Returns:
        The turned picture, and the face in it.
    """
    (width, height), (x, y, depth) = picture.size, face.points.T
    turns = {
        1: (Image.Transpose.ROTATE_90, y, width - x),
        2: (Image.Transpose.ROTATE_180, width - x, height - y),
        3: (Image.Transpose.ROTATE_270, height - y, x),
    }
    quarters = round(face.pose.roll / 90) % 4
    if not quarters:
        return picture, face
    turn, new_x, new_y = turns[quarters]
    return picture.transpose(turn), replace(face, points=np.stack([new_x, new_y, depth], axis=1))
