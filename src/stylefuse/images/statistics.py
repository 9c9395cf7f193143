"""A few numbers that describe a picture, for drift detection. They do not reveal what it shows."""

import numpy as np
from PIL import Image, ImageFilter

from stylefuse.images.open import flatten

STATISTICS = ("luminance", "contrast", "saturation", "warmth", "detail")
SHORTER_SIDE = 128  # pixels; larger pictures are scaled down to it, because detail depends on it
LONGER_SIDE = 16 * SHORTER_SIDE  # of narrow strips, to bound the memory
LAPLACIAN = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128)


def statistics(picture: Image.Image) -> dict[str, float]:
    """Compute a picture's statistics, in levels from 0 to 255, rounded to two decimals.

    Returns:
        `luminance`, the mean of the luma (ITU-R BT.601); `contrast`, its standard deviation;
        `saturation`, the mean difference of the largest and the smallest channel; `warmth`, the
        mean of red minus blue, from −255; `detail`, the standard deviation of the luma's
        Laplacian.
    """
    small = flatten(picture)
    scale = min(1, SHORTER_SIDE / min(small.size))
    width, height = (min(round(side * scale), LONGER_SIDE) for side in small.size)
    if (width, height) != small.size:
        small = small.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)
    luma = small.convert("L")
    levels, colours = np.asarray(luma, np.float32), np.asarray(small, np.float32)
    edges = np.asarray(luma.filter(LAPLACIAN), np.float32)[1:-1, 1:-1]
    values = (
        levels.mean(),
        levels.std(),
        np.ptp(colours, axis=-1).mean(),
        (colours[..., 0] - colours[..., 2]).mean(),
        edges.std() if edges.size else 0.0,
    )
    return {name: round(float(value), 2) for name, value in zip(STATISTICS, values, strict=True)}
