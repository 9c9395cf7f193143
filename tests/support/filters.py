"""Image filters that imitate styles: a model trains on unpaired pictures, and is evaluated against
the filter's true result.

Photographs are those in scikit-image's wheel. Pictures are uint8 `[height, width, 3]`, tones are
float `[height, width]` from 0 (dark) to 1 (light).
"""

import numpy as np
from scipy import ndimage
from skimage import color, data, exposure

TRAINING_PICTURES = (
    "astronaut",
    "rocket",
    "stereo_motorcycle",
    "hubble_deep_field",
    "immunohistochemistry",
)
HELD_OUT = ("chelsea", "coffee")


def photograph(name: str) -> np.ndarray:
    """A photograph of scikit-image, by the name of its function in `skimage.data`."""
    picture = getattr(data, name)()
    return picture[0] if isinstance(picture, tuple) else picture


def tone(picture: np.ndarray) -> np.ndarray:
    """Lightness, equalised so that every neighbourhood has dark and light pixels."""
    return exposure.equalize_adapthist(color.rgb2gray(picture), kernel_size=48, clip_limit=0.05)


def engraving(tones: np.ndarray) -> np.ndarray:
    """Horizontal lines of black ink on grey paper, thicker where it is dark."""
    y = np.indices(tones.shape)[0]
    screen = (1 + np.cos(y * (2 * np.pi / 5))) / 2
    return _inked(_edge(ndimage.gaussian_filter(tones, 1) - screen), (20, 20, 25), (180, 185, 180))


def hatching(tones: np.ndarray) -> np.ndarray:
    """Vertical lines of red chalk on yellow paper, thicker where it is dark."""
    x = np.indices(tones.shape)[1]
    screen = (1 + np.cos(x * (2 * np.pi / 4))) / 2
    return _inked(_edge(ndimage.gaussian_filter(tones, 1) - screen), (170, 30, 20), (255, 235, 140))


def duotone(tones: np.ndarray) -> np.ndarray:
    """A print in green and pink, without lines."""
    return _inked(tones, (10, 70, 60), (255, 190, 200))


FILTERS = {f.__name__: f for f in (engraving, hatching, duotone)}


def crops(picture: np.ndarray, side: int, count: int, seed: int) -> np.ndarray:
    """`count` random squares of a picture."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(picture.shape[0] - side + 1, size=count)
    columns = rng.integers(picture.shape[1] - side + 1, size=count)
    return np.stack(
        [picture[y : y + side, x : x + side] for y, x in zip(rows, columns, strict=True)]
    )


def _edge(difference: np.ndarray) -> np.ndarray:
    """A soft threshold at 0, for antialiased edges."""
    return np.clip(difference * 4 + 0.5, 0, 1)


def _inked(lightness: np.ndarray, ink, paper) -> np.ndarray:
    mixed = np.array(ink) + lightness[..., None] * (np.array(paper) - np.array(ink))
    return np.rint(mixed).astype(np.uint8)
