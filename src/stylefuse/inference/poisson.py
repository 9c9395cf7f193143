"""Gaussian–Poisson blending: joining two pictures along a mask without a seam."""

import numpy as np

from stylefuse.inference.cosine_transform import dct, idct

COLOUR_BLUR = 1 / 16  # σ of the blur that compares colours, as a share of the shorter side


def blend(a: np.ndarray, b: np.ndarray, mask: np.ndarray, colour_weight: float) -> np.ndarray:
    """Join two pictures by their gradients, with the low-frequency colours of their composite.

    With the composite c = m·a + (1 − m)·b, the result is the x that minimises

        |∇x − g|² + λ·|G x − G c|²

    with no gradient across the picture's border (Gaussian–Poisson equation, after Wu et al. 2019;
    the screened Poisson equation of Bhat et al. 2008 is G = 1). g is a's gradient where the mask is
    above a half and b's elsewhere, so it does not contain the edge of the mask. G is a Gaussian
    blur: it constrains only smooth colours, so that no weight brings the seam back.

    Args:
        a: uint8 `[height, width, 3]`.
        b: uint8 `[height, width, 3]`.
        mask: `[height, width]`, from 0 for b to 1 for a.
        colour_weight: λ times the variance of G in pixels, so that the result does not depend on
            the size. At 0 colours spread across the mask and only the composite's mean is kept. At
            10 each side keeps its colours, except near the border. Above 100 little changes.

    Returns:
        uint8 `[height, width, 3]`: a if the whole mask is 1, b if it is 0.

    Raises:
        ValueError: pictures and mask differ in size, or the weight is negative.
    """
    if not a.shape == b.shape == (*mask.shape, 3):
        raise ValueError(f"sizes differ: {a.shape}, {b.shape}, mask {mask.shape}")
    if colour_weight < 0:
        raise ValueError(f"colour_weight {colour_weight} is negative")
    x, y, m = (values.astype(np.float32) for values in (a, b, mask[..., None]))
    composite = m * x + (1 - m) * y

    # Solving for a correction leaves the composite as it is wherever its gradients are right.
    residuals = []
    for axis, mask_sums in enumerate((m[1:] + m[:-1], m[:, 1:] + m[:, :-1])):  # of neighbours
        target = np.where(mask_sums > 1, np.diff(x, axis=axis), np.diff(y, axis=axis))
        residuals.append(target - np.diff(composite, axis=axis))
    correction = _solve(residuals[0], residuals[1], colour_weight)
    return np.rint(np.clip(composite + correction, 0, 255)).astype(np.uint8)


def _solve(down: np.ndarray, right: np.ndarray, colour_weight: float) -> np.ndarray:
    """The z of mean 0 that minimises |∇z − g|² + λ·|G z|², solved exactly in the DCT domain.

    Args:
        down: g between a pixel and the one below, `[height - 1, width, 3]`.
        right: g between a pixel and its right neighbour, `[height, width - 1, 3]`.
        colour_weight: λ times the variance of G.

    Returns:
        float32 `[height, width, 3]`
    """
    divergence = np.diff(down, axis=0, prepend=0, append=0)
    divergence += np.diff(right, axis=1, prepend=0, append=0)
    height, width = divergence.shape[:2]

    # Cosines are the eigenvectors of −Δ and of G. These are the eigenvalues.
    rows, columns = (4 * np.sin(np.pi * np.arange(n) / (2 * n)) ** 2 for n in (height, width))
    laplacian = rows[:, None] + columns
    variance = (COLOUR_BLUR * min(height, width)) ** 2
    gaussian = np.exp(-variance * laplacian / 2)
    operator = laplacian + colour_weight / variance * gaussian**2
    operator[0, 0] = 1  # any value but 0: the divergence has mean 0, and so has z

    coefficients = dct(dct(-divergence, 0), 1) / operator[..., None].astype(np.float32)
    return idct(idct(coefficients, 0), 1)
