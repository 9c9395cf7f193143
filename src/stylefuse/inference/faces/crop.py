"""Square crops of pictures, turned so that a face in them is upright."""

from typing import NamedTuple

import numpy as np
from PIL import Image


class CropFrame(NamedTuple):
    """A square in a picture.

    Attributes:
        centre: x and y in pixels of the picture, `[2]`.
        side: in pixels of the picture.
        angle: in radians; the square's x axis is turned so far clockwise in the picture.
    """

    centre: np.ndarray
    side: float
    angle: float = 0.0

    def to_picture(self, points: np.ndarray, size: int) -> np.ndarray:
        """Points `[…, 2]` of a crop of `size` pixels, in the picture."""
        return (points / size - 0.5) * self.side @ self._rotation() + self.centre

    def to_crop(self, points: np.ndarray, size: int) -> np.ndarray:
        """Points `[…, 2]` of the picture, in a crop of `size` pixels."""
        return ((points - self.centre) @ self._rotation().T / self.side + 0.5) * size

    def cut(self, picture: Image.Image, size: int) -> Image.Image:
        """The square, scaled to `size` pixels; what is outside the picture repeats its border."""
        reach = self.side * (abs(np.cos(self.angle)) + abs(np.sin(self.angle))) / 2 + 2
        corner = np.floor(self.centre - reach).astype(int)
        span = int(np.ceil(2 * reach)) + 1
        part = _crop_repeating(picture, int(corner[0]), int(corner[1]), span)
        shrink = max(1, int(self.side / size))
        if shrink > 1:
            part = part.reduce(shrink)
        inner = CropFrame((self.centre - corner) / shrink, self.side / shrink, self.angle)
        corners = inner.to_picture(np.array([[0, 0], [1, 0], [0, 1]], np.float64), 1)
        (x, y), right, down = corners[0], corners[1] - corners[0], corners[2] - corners[0]
        matrix = (right[0] / size, down[0] / size, x, right[1] / size, down[1] / size, y)
        return part.transform(
            (size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
        )

    def _rotation(self) -> np.ndarray:
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return np.array([[cosine, sine], [-sine, cosine]])


def _crop_repeating(picture: Image.Image, left: int, top: int, side: int) -> Image.Image:
    """A square of a picture; rows and columns at the border are repeated outside."""
    right, bottom = left + side, top + side
    inside = (
        min(max(left, 0), picture.width - 1), min(max(top, 0), picture.height - 1),
        max(min(right, picture.width), 1), max(min(bottom, picture.height), 1),
    )  # fmt: skip
    part = picture.crop(inside)
    if part.size == (side, side):
        return part
    widths = [
        (inside[1] - top, bottom - inside[3]), (inside[0] - left, right - inside[2]), (0, 0)
    ]  # fmt: skip
    return Image.fromarray(np.pad(np.asarray(part), np.maximum(widths, 0), mode="edge"))
