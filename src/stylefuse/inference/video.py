"""A film in one style: its frames are painted with statistics that change slowly.

A network that takes away each frame's own statistics answers every change of light, and every thing
that comes into sight, with another palette everywhere: the film flickers. Here they are averaged
along the film, as a large picture's tiles share those of the whole.
"""

from typing import Any

import numpy as np
from PIL import Image

from stylefuse.inference.stylizer import Stylizer

MEMORY = 0.9  # share of the statistics that is of the frames before
CUT = (
    0.15  # mean difference of two small frames, in shares of white, from which on it is a new scene
)
SMALL = (32, 32)  # pixels


class VideoStylizer:
    """Paints the frames of a film, in their order.

    Args:
        stylizer: paints.
        code: the style, `[6 + code]`.
        strength: 0 keeps the film's own style, which is its first frame's, 1 takes the code's.
    """

    def __init__(self, stylizer: Stylizer, code: np.ndarray, strength: float = 1.0):
        self._stylizer, self._code, self._strength = stylizer, code, strength
        self._moments: list[Any] = []
        self._before: np.ndarray | None = None

    def frame(self, picture: np.ndarray) -> np.ndarray:
        """Paint the next frame, uint8 `[height, width, 3]` of the film's size."""
        if not self._moments and self._strength != 1:
            (own,) = self._stylizer.style_code([picture])
            self._code = (1 - self._strength) * own + self._strength * self._code
        found = self._stylizer.moments(picture, self._code)
        if not self._is_new(picture):
            found = [
                tuple(MEMORY * b + (1 - MEMORY) * n for b, n in zip(before, now, strict=True))
                for before, now in zip(self._moments, found, strict=True)
            ]
        self._moments = found
        return self._stylizer.fuse([picture], [self._code], [self._code], moments=found)

    def _is_new(self, picture: np.ndarray) -> bool:
        """Whether a scene begins; the frame is remembered."""
        small = np.asarray(Image.fromarray(picture).resize(SMALL), np.float32)
        before, self._before = self._before, small
        return before is None or bool(np.abs(small - before).mean() > CUT * 255)
