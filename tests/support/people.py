"""Pictures with and without faces."""

import numpy as np
from PIL import Image
from skimage import data

from tests.support.trainings import ROOT

TRANSFER = ROOT / "models/base/transfer"


def astronaut() -> Image.Image:
    """A portrait photograph of 512 pixels; the face is 93 pixels wide and looks at the viewer."""
    return Image.fromarray(data.astronaut())


def head() -> Image.Image:
    """Its head alone, 200 pixels."""
    return astronaut().crop((125, 20, 325, 220))


def crowd() -> Image.Image:
    """The head six times, in two rows."""
    picture = Image.new("RGB", (600, 400), (90, 90, 90))
    for row in range(2):
        for column in range(3):
            picture.paste(head(), (200 * column, 200 * row))
    return picture


def grey() -> Image.Image:
    """One colour."""
    return Image.new("RGB", (320, 240), (128, 128, 128))


def cat() -> Image.Image:
    """A cat that looks at the viewer."""
    return Image.fromarray(data.cat())


def texture() -> Image.Image:
    """Gravel."""
    return Image.fromarray(data.gravel()).convert("RGB")


def landmark_error(a: np.ndarray, b: np.ndarray) -> float:
    """Mean distance of two meshes' points, aligned in space, in widths of the face.

    Args:
        a: `[468, 3]`.
        b: `[468, 3]`.
    """
    from stylefuse.inference.characters.warp import apply, similarity

    aligned = apply(similarity(a, b), a)
    width = np.linalg.norm(b[454] - b[234])
    return float(np.linalg.norm(aligned[:, :2] - b[:, :2], axis=1).mean() / width)
