"""What a model is held against: doing nothing, matching colours, and the published network."""

from pathlib import Path

import numpy as np
from PIL import Image

from stylefuse.images.colour import OPPONENT

CONTENT_SIDE, STYLE_SIDE = 384, 256  # what the published network was exported for


def match_colours(contents: np.ndarray, styles: np.ndarray) -> np.ndarray:
    """Give each content its style's mean and deviation, per opponent colour (after Reinhard 2001).

    The transfer model begins with the same; what it adds has to show beside this.

    Args:
        contents: uint8 `[n, height, width, 3]`.
        styles: uint8 `[n, height, width, 3]`.

    Returns:
        uint8 `[n, height, width, 3]`
    """
    x, y = (pictures.astype(np.float32) @ OPPONENT for pictures in (contents, styles))
    (x_mean, x_deviation), (y_mean, y_deviation) = _moments(x), _moments(y)
    matched = (x - x_mean) / (x_deviation + 1e-3) * y_deviation + y_mean
    return np.rint(np.clip(matched @ OPPONENT.T, 0, 255)).astype(np.uint8)


def _moments(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x.mean(axis=(1, 2), keepdims=True), x.std(axis=(1, 2), keepdims=True)


class ArbitraryStylisation:
    """The network of Ghiasi et al. 2017 as ONNX: what one would take from the shelf instead.

    Args:
        folder: holds `arbitrary_predict.onnx` and `arbitrary_transform.onnx`.
    """

    def __init__(self, folder: Path):
        import onnxruntime

        def session(name: str) -> onnxruntime.InferenceSession:
            return onnxruntime.InferenceSession(
                str(folder / name), providers=["CPUExecutionProvider"]
            )

        self.predict = session("arbitrary_predict.onnx")
        self.transform = session("arbitrary_transform.onnx")

    def stylize(self, contents: np.ndarray, styles: np.ndarray) -> np.ndarray:
        """Paint square contents after styles, both uint8 `[n, side, side, 3]`, at 384 pixels."""
        painted = np.empty_like(contents)
        for i, (content, style) in enumerate(zip(contents, styles, strict=True)):
            code = self._run(self.predict, _scaled(style, STYLE_SIDE))
            output = self._run(self.transform, _scaled(content, CONTENT_SIDE), code)
            levels = np.rint(np.clip(output[0], 0, 1) * 255).astype(np.uint8)
            picture = Image.fromarray(levels).resize(content.shape[1::-1], Image.Resampling.LANCZOS)
            painted[i] = np.asarray(picture)
        return painted

    @staticmethod
    def _run(session, *inputs: np.ndarray) -> np.ndarray:
        names = [node.name for node in session.get_inputs()]
        return session.run(None, dict(zip(names, inputs, strict=True)))[0]


def _scaled(picture: np.ndarray, side: int) -> np.ndarray:
    resized = Image.fromarray(picture).resize((side, side), Image.Resampling.LANCZOS)
    return np.asarray(resized, np.float32)[None] / 255
