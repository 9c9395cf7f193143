"""Enlargement of pictures by a network that comes with the code (`tools/enlarger.py`).

It doubles both sides. What it adds to bicubic interpolation was trained with an L1 loss and no
discriminator, so that it sharpens what is there and invents nothing.
"""

import json
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

from stylefuse.inference.onnx_session import OnnxGraph

NETWORKS = Path(__file__).with_name("networks")
MARGIN = 8  # pixels that the network consumes on each side
TILE = 512  # pixels; larger pictures go tile by tile, to bound the memory
LUMINANCE = np.array([0.299, 0.587, 0.114])  # of R'G'B', ITU-R BT.601


def enlarge(picture: np.ndarray, scale: int) -> np.ndarray:
    """Enlarge a picture; a grey one stays grey.

    Args:
        picture: uint8 `[height, width, 3]`.
        scale: 1, 2, 4, …

    Returns:
        uint8 `[scale·height, scale·width, 3]`.

    Raises:
        Cancelled: the active request was cancelled.
    """
    if scale == 1:
        return picture
    doubled = _doubled(picture)
    if not np.ptp(picture, axis=-1).any():
        doubled[:] = np.rint(doubled @ LUMINANCE)[..., None]
    return enlarge(doubled, scale // 2)


def _doubled(picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    padded = np.pad(picture, [(MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)], mode="symmetric")
    result = np.empty((2 * height, 2 * width, 3), np.uint8)
    side = TILE + 2 * MARGIN
    for top, left in product(range(0, height, TILE), range(0, width, TILE)):
        tile = np.ascontiguousarray(padded[top : top + side, left : left + side])
        part = _network()(picture=tile[None])["enlarged"][0]
        result[2 * top :, 2 * left :][: len(part), : part.shape[1]] = part
    return result


@cache
def _network() -> OnnxGraph:
    checksums = json.loads((NETWORKS / "manifest.json").read_text())
    return OnnxGraph(NETWORKS / "enlarger.onnx", checksums["enlarger.onnx"])
