"""The published arbitrary-stylisation network of Ghiasi et al. 2017, run by ONNX Runtime."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from stylefuse.paths import NETWORKS

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

CONTENT_SIDE, STYLE_SIDE = 384, 256  # pixels; the network was exported for these sizes


class ArbitraryStylisation:
    """The published network, for square contents.

    Args:
        folder: holds `arbitrary_predict.onnx` and `arbitrary_transform.onnx`.
    """

    def __init__(self, folder: Path = NETWORKS / "arbitrary-stylisation"):
        self.predict = _session(folder / "arbitrary_predict.onnx")
        self.transform = _session(folder / "arbitrary_transform.onnx")

    def stylize(self, contents: np.ndarray, styles: np.ndarray) -> np.ndarray:
        """Transfer the style of each style picture to its content, at 384 pixels.

        Args:
            contents: uint8 `[n, side, side, 3]`.
            styles: uint8 `[n, height, width, 3]`; mirrored to squares.

        Returns:
            uint8, the shape of `contents`.
        """
        stylized = np.empty_like(contents)
        for i, (content, style) in enumerate(zip(contents, styles, strict=True)):
            code = _run(self.predict, _model_input(_mirrored_to_square(style), STYLE_SIDE))
            output = _run(self.transform, _model_input(content, CONTENT_SIDE), code)
            levels = np.rint(np.clip(output[0], 0, 1) * 255).astype(np.uint8)
            picture = Image.fromarray(levels).resize(content.shape[1::-1], Image.Resampling.LANCZOS)
            stylized[i] = np.asarray(picture)
        return stylized


def _session(path: Path) -> "InferenceSession":
    import onnxruntime

    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def _run(session: "InferenceSession", *inputs: np.ndarray) -> np.ndarray:
    names = [node.name for node in session.get_inputs()]
    return session.run(None, dict(zip(names, inputs, strict=True)))[0]


def _mirrored_to_square(picture: np.ndarray) -> np.ndarray:
    side = max(picture.shape[:2])
    missing = [(0, side - n) for n in picture.shape[:2]]
    return np.pad(picture, [*missing, (0, 0)], mode="symmetric")


def _model_input(picture: np.ndarray, side: int) -> np.ndarray:
    """float32 `[1, side, side, 3]`, 0 to 1."""
    resized = Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(resized, np.float32)[None] / 255
