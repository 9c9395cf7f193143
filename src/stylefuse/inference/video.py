"""Stylising a video without flicker: feature statistics are averaged over time.

The generator normalises each frame by the frame's own feature statistics. A change of light, or an
object that enters the scene, therefore changes the palette of the whole frame, and the video
flickers. A moving average of the statistics prevents it.
"""

import numpy as np
from PIL import Image

from stylefuse.inference.detail import enlarge
from stylefuse.inference.options import TransferOptions, painted_size
from stylefuse.inference.stylizer import Statistics, Stylizer

MOMENTUM = 0.9  # share of the previous frames in the moving average
SCENE_CUT = 0.15  # mean difference of two thumbnails, as a share of white, that starts a new scene
THUMBNAIL_SIZE = (32, 32)  # pixels


class VideoStylizer:
    """Paints the frames of a video in their order.

    Args:
        stylizer: paints single frames.
        code: style code, `[n]`.
        options: strength, here the opacity of the painting over the frames, and stroke size.
    """

    def __init__(self, stylizer: Stylizer, code: np.ndarray, options: TransferOptions):
        self._stylizer, self._code, self._options = stylizer, code, options
        self._statistics: Statistics | None = None
        self._previous_thumbnail: np.ndarray | None = None

    def render_frame(self, picture: np.ndarray) -> np.ndarray:
        """Paint the next frame, uint8 `[height, width, 3]` of the video's size."""
        frame = Image.fromarray(picture)
        size = painted_size(frame.size, 0, self._options.stroke_size)
        small = frame.resize(size, Image.Resampling.LANCZOS)
        content = np.asarray(small)
        measured, before = self._stylizer.measure(content, self._code), self._statistics
        if not self._starts_scene(picture) and before is not None:
            averages = (
                MOMENTUM * b + (1 - MOMENTUM) * n for b, n in zip(before, measured, strict=True)
            )
            measured = Statistics(*averages)
        self._statistics = measured
        codes = [self._code]
        painted = self._stylizer.fuse([content], codes, codes, statistics=measured)
        enlarged = enlarge(Image.fromarray(painted), small, frame)
        return np.asarray(Image.blend(frame, enlarged, self._options.strength))

    def _starts_scene(self, picture: np.ndarray) -> bool:
        """Whether the frame starts a scene; it is the reference for the next frame."""
        thumbnail = np.asarray(Image.fromarray(picture).resize(THUMBNAIL_SIZE), np.float32)
        previous, self._previous_thumbnail = self._previous_thumbnail, thumbnail
        return previous is None or bool(np.abs(thumbnail - previous).mean() > SCENE_CUT * 255)
