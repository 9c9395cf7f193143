"""CIE L*a*b* (D65), in which lightness and colour are changed apart from each other."""

import numpy as np

TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]], np.float32,
)  # fmt: skip
WHITE = np.array([0.95047, 1.0, 1.08883], np.float32)
EDGE = 6 / 29  # where the cube root begins


def to_lab(rgb: np.ndarray) -> np.ndarray:
    """sRGB levels `[…, 3]`, 0…255 → L* 0…100, a* and b*, float32 (CIE 15:2004, sRGB IEC 61966)."""
    levels = np.asarray(rgb, np.float32) / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    ratios = linear.astype(np.float32) @ TO_XYZ.T / WHITE
    roots = np.where(ratios > EDGE**3, np.cbrt(ratios), ratios / (3 * EDGE**2) + 4 / 29)
    x, y, z = np.moveaxis(roots, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1).astype(np.float32)


def to_rgb(lab: np.ndarray) -> np.ndarray:
    """L*a*b* `[…, 3]` → sRGB levels, 0…255, float32; colours outside are clipped."""
    lightness, a, b = np.moveaxis(np.asarray(lab, np.float32), -1, 0)
    y = (lightness + 16) / 116
    roots = np.stack([y + a / 500, y, y - b / 200], axis=-1)
    ratios = np.where(roots > EDGE, roots**3, 3 * EDGE**2 * (roots - 4 / 29))
    linear = np.clip(ratios * WHITE @ np.linalg.inv(TO_XYZ).T, 0, 1)
    levels = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return (levels * 255).astype(np.float32)
