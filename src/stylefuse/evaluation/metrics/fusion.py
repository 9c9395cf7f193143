"""The numbers that judge a fusion of two pictures, each uint8 `[height, width, 3]`."""

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter, sobel
from scipy.stats import spearmanr

from stylefuse.evaluation.metrics.ssim import luminance

# Xydeas & Petrović 2000: upper limit, slope and midpoint of the two sigmoids of `edge_transfer`
STRENGTH = (0.9994, -15, 0.5)
ORIENTATION = (0.9879, -22, 0.8)

# `double_exposure` and `seam_energy`, as shares of the width
DETAIL = 1 / 64  # deviation of the Gaussian whose derivatives are compared: finer is brushwork
WINDOW = 1 / 32  # deviation of the window that counts as one place
BORDER = 1 / 32  # how far from a seam its surroundings reach


def edge_transfer(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    """How much of both pictures' edges a fusion keeps: Q^AB/F of Xydeas & Petrović 2000.

    On luminance 0 to 255, Sobel edges with mirrored borders, weights of the first power of the edge
    strength (L = 1). Orientations are compared modulo π, so that a line just left of the vertical
    is close to one just right of it. Other implementations differ in this and in their constants.

    Returns:
        0 to 0.975, which three equal pictures reach; 0 where neither picture has an edge.
    """
    edges_a, edges_b, edges = (_edges(luminance(picture)) for picture in (a, b, fused))
    strengths = edges_a[0] + edges_b[0]
    kept = edges_a[0] * _kept(edges_a, edges) + edges_b[0] * _kept(edges_b, edges)
    return float(kept.sum() / max(strengths.sum(), 1e-9))


def double_exposure(a: np.ndarray, b: np.ndarray, fused: np.ndarray) -> float:
    """How far both pictures show on top of each other: 1 is an even pixel cross-fade, 0 none of it.

    Around every place the fusion's luminance gradient is fitted as α·∇A + β·∇B. With α, β > 0 the
    place counts 2·min(α, β) / (α + β) times the fit's multiple correlation, which unrelated paint
    lowers, and else nothing. A place weighs the area that ∇A and ∇B span (the root of their Gram
    determinant): little where one picture is flat, or where the two are alike.

    A pixel cross-fade p·A + (1 − p)·B scores 2·min(p, 1 − p), either picture alone and a third
    one about 0. Pieces of the two that lie closer than a sixteenth of the width begin to count as
    one place, as does the soft border of a mask. A fusion that turns a picture's light and dark
    around, or moves its parts by more than the detail's scale, is not recognised. Heavy paint lifts
    a picture alone to 0.1 or 0.2 and lowers an even cross-fade to between 0.5 and 0.7, so a painted
    fusion is best held against a cross-fade painted alike.

    Returns:
        0 to 1; 0 for sources that are flat or alike.
    """
    width = fused.shape[1]
    x, y, z = (_gradient(luminance(picture), DETAIL * width) for picture in (a, b, fused))
    xx, yy, zz, xy, xz, yz = (
        gaussian_filter((u * v).sum(axis=0), WINDOW * width, mode="reflect")
        for u, v in ((x, x), (y, y), (z, z), (x, y), (x, z), (y, z))
    )

    # Cramer's rule; the small terms only keep flat places from 0/0.
    gram = np.maximum(xx * yy - xy**2, 0)
    alpha = np.maximum(xz * yy - yz * xy, 0) / (gram + 1e-9)
    beta = np.maximum(yz * xx - xz * xy, 0) / (gram + 1e-9)
    overlap = 2 * np.minimum(alpha, beta) / (alpha + beta + 1e-9)
    correlation = np.sqrt(np.clip((alpha * xz + beta * yz) / (zz + 1e-9), 0, 1))

    weight = np.sqrt(gram)
    return float((weight * overlap * correlation).sum() / max(weight.sum(), 1e-9))


def style_position(code: np.ndarray, code_a: np.ndarray, code_b: np.ndarray) -> np.ndarray:
    """Where styles lie between B (0) and A (1): their projection on the line, beyond the ends too.

    Args:
        code: style codes or style statistics `[n, d]`.
        code_a: of A, `[d]` or `[n, d]`.
        code_b: of B, likewise.

    Returns:
        `[n]`
    """
    way = code_a - code_b
    return ((code - code_b) * way).sum(axis=-1) / np.square(way).sum(axis=-1)


def mix_fidelity(position: np.ndarray, wanted: np.ndarray) -> float:
    """Mean distance of style positions from the wanted shares of A, both `[n]`; 0 is best."""
    return float(np.abs(position - wanted).mean())


def path_smoothness(steps: np.ndarray) -> float:
    """Largest step over the mean step along a dial: 1 is even, and also where nothing moves.

    Args:
        steps: features, or pictures, at even settings of the dial, `[steps, ...]`.
    """
    path = steps.reshape(len(steps), -1).astype(np.float64)
    lengths = np.linalg.norm(np.diff(path, axis=0), axis=1)
    return float(lengths.max() / lengths.mean()) if lengths.any() else 1.0


def monotonicity(values: np.ndarray) -> float:
    """Spearman's rank correlation of a dial with the values `[steps]` along it, −1 to 1.

    0 where the dial moves nothing.
    """
    return float(spearmanr(np.arange(len(values)), values).statistic) if np.ptp(values) else 0.0


def seam_energy(picture: np.ndarray, mask: np.ndarray) -> float:
    """Energy of the luminance steps across a mask's border over that of the steps beside it.

    Steps are those between direct neighbours; beside means within a thirty-second of the width.

    Args:
        picture: uint8 `[height, width, 3]`.
        mask: `[height, width]`; its border runs where it passes a half.

    Returns:
        1 where no seam shows, on average: a single photograph has chance edges there as well.

    Raises:
        ValueError: the mask has no border.
    """
    inside, light = mask > 0.5, luminance(picture)
    if inside.all() or not inside.any():
        raise ValueError("the mask has no border")
    distance = distance_transform_edt(inside) + distance_transform_edt(~inside)
    near = distance <= BORDER * picture.shape[1] + 1

    across, beside = [], []
    for axis in (0, 1):
        energy, crosses = np.square(np.diff(light, axis=axis)), np.diff(inside, axis=axis)
        across.append(energy[crosses])
        beside.append(energy[np.delete(near, 0, axis) & ~crosses])
    return float(np.concatenate(across).mean() / max(np.concatenate(beside).mean(), 1e-9))


def _edges(light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Strength and orientation (modulo π) of the Sobel edges of a luminance `[height, width]`."""
    x, y = (sobel(light, axis=axis, mode="reflect") for axis in (1, 0))
    return np.hypot(x, y), np.arctan2(y, x)


def _kept(
    source: tuple[np.ndarray, np.ndarray], fused: tuple[np.ndarray, np.ndarray]
) -> np.ndarray:
    """How well each edge of a source is kept, Q^AF, `[height, width]`, 0 to 1."""
    (strength, orientation), (strength_fused, orientation_fused) = source, fused
    larger = np.maximum(strength, strength_fused)
    relative = np.minimum(strength, strength_fused) / np.maximum(larger, 1e-9)
    turn = np.abs(orientation - orientation_fused) % np.pi
    aligned = np.abs(turn - np.pi / 2) / (np.pi / 2)
    return _sigmoid(relative, *STRENGTH) * _sigmoid(aligned, *ORIENTATION)


def _sigmoid(x: np.ndarray, limit: float, slope: float, midpoint: float) -> np.ndarray:
    return limit / (1 + np.exp(slope * (x - midpoint)))


def _gradient(light: np.ndarray, sigma: float) -> np.ndarray:
    """Derivatives of a Gaussian, right and down, `[2, height, width]`."""
    orders = ((0, 1), (1, 0))
    return np.stack([gaussian_filter(light, sigma, order=o, mode="reflect") for o in orders])
