"""Metrics of a fusion of two pictures, each uint8 `[height, width, 3]`."""

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, sobel
from scipy.stats import spearmanr

from stylefuse.evaluation.metrics.ssim import luminance

# Xydeas & Petrović 2000: upper limit, slope and midpoint of the two sigmoids of `edge_transfer`
STRENGTH_SIGMOID = (0.9994, -15, 0.5)
ORIENTATION_SIGMOID = (0.9879, -22, 0.8)

# of `double_exposure` and `seam_energy`, as shares of the width
DETAIL = 1 / 64  # σ of the Gaussian whose derivatives are compared: finer structure is brushwork
WINDOW = 1 / 32  # σ of the window that defines a neighbourhood
SEAM_MARGIN = 1 / 32  # distance from a seam up to which steps are compared with its own


def edge_transfer(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    """Compute how much of both pictures' edges a fusion keeps: Q^AB/F of Xydeas & Petrović 2000.

    It uses luminance from 0 to 255, Sobel edges with mirrored borders, and weights proportional to
    the edge strength (L = 1). Orientations are compared modulo π, so that a line just left of the
    vertical is close to one just right of it. Other implementations differ in this and in their
    constants.

    Returns:
        0 to 0.975, which three equal pictures reach; 0 if neither picture has an edge.
    """
    edges_a, edges_b, edges_fused = (_edges(luminance(picture)) for picture in (a, b, fused))
    strength_a, strength_b = edges_a[0], edges_b[0]
    preserved = strength_a * _edge_preservation(edges_a, edges_fused)
    preserved = preserved + strength_b * _edge_preservation(edges_b, edges_fused)
    return float(preserved.sum() / max((strength_a + strength_b).sum(), 1e-9))


def double_exposure(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    """Compute to what degree both pictures show on top of each other.

    1 is an even pixel cross-fade, 0 no superposition at all.

    In the neighbourhood of every pixel the fusion's luminance gradient is fitted as α·∇A + β·∇B.
    If α, β > 0, the pixel contributes 2·min(α, β) / (α + β) times the multiple correlation of the
    fit, which unrelated paint lowers; otherwise it contributes 0. Each pixel is weighted by the
    area that ∇A and ∇B span (the root of their Gram determinant): the weight is small where one
    picture is flat or where the two are alike.

    A pixel cross-fade p·A + (1 − p)·B has the value 2·min(p, 1 − p); either picture alone and an
    unrelated third one have about 0. Pieces of A and B closer than a sixteenth of the width begin
    to count as superposed, and so does the soft border of a mask. A fusion that inverts a picture's
    light and dark, or moves its parts by more than the detail scale, is not recognised. Heavy
    brushwork raises a single picture to 0.1 or 0.2 and lowers an even cross-fade to between 0.5 and
    0.7, so a painted fusion should be compared with a cross-fade painted in the same way.

    Returns:
        0 to 1; 0 if the sources are flat or alike.
    """
    width = fused.shape[1]
    x, y, z = (_gradient(luminance(picture), DETAIL * width) for picture in (a, b, fused))
    xx, yy, zz, xy, xz, yz = (
        gaussian_filter((u * v).sum(axis=0), WINDOW * width, mode="reflect")
        for u, v in ((x, x), (y, y), (z, z), (x, y), (x, z), (y, z))
    )

    # Cramer's rule; the small terms only avoid 0/0 in flat areas.
    gram = np.maximum(xx * yy - xy**2, 0)
    alpha = np.maximum(xz * yy - yz * xy, 0) / (gram + 1e-9)
    beta = np.maximum(yz * xx - xz * xy, 0) / (gram + 1e-9)
    overlap = 2 * np.minimum(alpha, beta) / (alpha + beta + 1e-9)
    correlation = np.sqrt(np.clip((alpha * xz + beta * yz) / (zz + 1e-9), 0, 1))

    weight = np.sqrt(gram)
    return float((weight * overlap * correlation).sum() / max(weight.sum(), 1e-9))


def style_position(code: np.ndarray, code_a: np.ndarray, code_b: np.ndarray) -> np.ndarray:
    """Compute where styles lie between B (0) and A (1), by projection on the line through both.

    Args:
        code: style codes or style statistics `[n, d]`.
        code_a: of A, `[d]` or `[n, d]`.
        code_b: of B, `[d]` or `[n, d]`.

    Returns:
        `[n]`, not clipped to 0 and 1.
    """
    direction = code_a - code_b
    return ((code - code_b) * direction).sum(axis=-1) / np.square(direction).sum(axis=-1)


def path_smoothness(steps: np.ndarray) -> float:
    """Compute the largest step over the mean step along an option's range.

    Args:
        steps: features or pictures at evenly spaced values of the option, `[steps, ...]`.

    Returns:
        1 for equal steps, and for a path that does not move.
    """
    path = steps.reshape(len(steps), -1).astype(np.float64)
    lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    return float(lengths.max() / lengths.mean()) if lengths.any() else 1.0


def monotonicity(values: np.ndarray) -> float:
    """Compute Spearman's rank correlation of an option with the values `[steps]` along its range.

    Returns:
        −1 to 1; 0 if the values are constant.
    """
    return float(spearmanr(np.arange(len(values)), values).statistic) if np.ptp(values) else 0.0


def seam_energy(picture: np.ndarray, mask: np.ndarray) -> float:
    """Compute the energy of luminance steps across a mask's border over that of steps near it.

    Steps are differences of direct neighbours. Steps up to a thirty-second of the width from the
    border are near it.

    Args:
        picture: uint8 `[height, width, 3]`.
        mask: `[height, width]`; its border is where it crosses 0.5.

    Returns:
        On average 1 if no seam is visible: a single photograph has edges at the border by chance.

    Raises:
        ValueError: the mask has no border.
    """
    inside, light = mask > 0.5, luminance(picture)
    if inside.all() or not inside.any():
        raise ValueError("the mask has no border")
    distance = distance_transform_edt(inside) + distance_transform_edt(~inside)
    near = distance <= SEAM_MARGIN * picture.shape[1] + 1

    across_seam, near_seam = [], []
    for axis in (0, 1):
        energy, crosses = np.square(np.diff(light, axis=axis)), np.diff(inside, axis=axis)
        across_seam.append(energy[crosses])
        near_seam.append(energy[np.delete(near, 0, axis) & ~crosses])
    return float(np.concatenate(across_seam).mean() / max(np.concatenate(near_seam).mean(), 1e-9))


def _edges(light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strength and orientation (modulo π) of the Sobel edges of a luminance `[height, width]`."""
    x, y = (sobel(light, axis=axis, mode="reflect") for axis in (1, 0))
    return np.hypot(x, y), np.arctan2(y, x)


def _edge_preservation(
    source: tuple[np.ndarray, np.ndarray], fused: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """How well each edge of a source is preserved, Q^AF, `[height, width]`, 0 to 1."""
    (strength, orientation), (strength_fused, orientation_fused) = source, fused
    larger = np.maximum(strength, strength_fused)
    relative_strength = np.minimum(strength, strength_fused) / np.maximum(larger, 1e-9)
    angle = np.abs(orientation - orientation_fused) % np.pi
    alignment = np.abs(angle - np.pi / 2) / (np.pi / 2)
    return _sigmoid(relative_strength, *STRENGTH_SIGMOID) * _sigmoid(
        alignment, *ORIENTATION_SIGMOID
    )


def _sigmoid(x: np.ndarray, limit: float, slope: float, midpoint: float) -> np.ndarray:
    return limit / (1 + np.exp(slope * (x - midpoint)))


def _gradient(light: np.ndarray, sigma: float) -> np.ndarray:
    """Derivatives of a Gaussian, right and down, `[2, height, width]`."""
    orders = ((0, 1), (1, 0))
    return np.stack([gaussian_filter(light, sigma, order=o, mode="reflect") for o in orders])
