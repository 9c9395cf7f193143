"""Stylising a video without flicker: feature statistics are averaged over time.

The generator normalises each frame by the frame's own feature statistics. A change of light, or an
object that enters the scene, therefore changes the palette of the whole frame, and the video
flickers. A moving average of the statistics prevents it.
"""

from typing import Any

import numpy as np
from PIL import Image

from stylefuse.inference.stylizer import Stylizer

MOMENTUM = 0.9  # share of the previous frames in the moving average
SCENE_CUT = 0.15  # mean difference of two thumbnails, as a share of white, that starts a new scene
THUMBNAIL_SIZE = (32, 32)  # pixels


class VideoStylizer:
    """Paints the frames of a video in their order.

    Args:
        stylizer: paints single frames.
        code: style code, `[6 + code]`.
        strength: 0 keeps the style of the video's first frame, 1 takes the code's.
    """

    def __init__(self, stylizer: Stylizer, code: np.ndarray, strength: float = 1.0):
        self._stylizer, self._code, self._strength = stylizer, code, strength
        self._moments: list[Any] = []
        self._previous_thumbnail: np.ndarray | None = None

    def render_frame(self, picture: np.ndarray) -> np.ndarray:
        """Paint the next frame, uint8 `[height, width, 3]` of the video's size."""
        if not self._moments and self._strength != 1:
            (own_code,) = self._stylizer.style_code([picture])
            self._code = (1 - self._strength) * own_code + self._strength * self._code
        moments = self._stylizer.moments(picture, self._code)
        if not self._starts_scene(picture):
            moments = [
                tuple(MOMENTUM * b + (1 - MOMENTUM) * n for b, n in zip(before, now, strict=True))
                for before, now in zip(self._moments, moments, strict=True)
            ]
        self._moments = moments
        return self._stylizer.fuse([picture], [self._code], [self._code], moments=moments)

    def _starts_scene(self, picture: np.ndarray) -> bool:
        """Whether the frame starts a scene; it is the reference for the next frame."""
        thumbnail = np.asarray(Image.fromarray(picture).resize(THUMBNAIL_SIZE), np.float32)
        previous, self._previous_thumbnail = self._previous_thumbnail, thumbnail
        return previous is None or bool(np.abs(thumbnail - previous).mean() > SCENE_CUT * 255)
