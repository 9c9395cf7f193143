"""A picture as a few figures: enough to see that pictures have changed, not what they show."""

import numpy as np
from PIL import Image, ImageFilter

from stylefuse.images.open import flatten

STATISTICS = ("luminance", "contrast", "saturation", "warmth", "detail")
SIDE = 128  # of the shorter side, pixels: detail depends on it; smaller pictures stay as they are
LAPLACIAN = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128)


def statistics(picture: Image.Image) -> dict[str, float]:
    """A picture's figures, all in levels from 0 to 255, rounded to hundredths.

    Returns:
        `luminance`, the mean of the luma (ITU-R 601); `contrast`, its standard deviation;
        `saturation`, the mean distance of the largest to the smallest channel; `warmth`, how much
        red there is more than blue, from −255; `detail`, the standard deviation of the luma's
        Laplacian.
    """
    small = flatten(picture)
    scale = SIDE / min(small.size)
    if scale < 1:
        size = (max(SIDE, round(small.width * scale)), max(SIDE, round(small.height * scale)))
        small = small.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    luma = small.convert("L")
    levels, colours = np.asarray(luma, np.float32), np.asarray(small, np.float32)
    edges = np.asarray(luma.filter(LAPLACIAN), np.float32)[1:-1, 1:-1]
    found = (
        levels.mean(),
        levels.std(),
        np.ptp(colours, axis=-1).mean(),
        (colours[..., 0] - colours[..., 2]).mean(),
        edges.std() if edges.size else 0.0,
    )
    return {name: round(float(value), 2) for name, value in zip(STATISTICS, found, strict=True)}
