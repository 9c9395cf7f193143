"""Gaussian–Poisson blending: two pictures joined along a mask without a seam."""

import numpy as np
from scipy.fft import dctn, idctn

COLOUR_BLUR = 1 / 16  # deviation of the blur that compares colours, share of the shorter side


def blend(a: np.ndarray, b: np.ndarray, mask: np.ndarray, colour_weight: float) -> np.ndarray:
    """Join two pictures by their gradients, coloured like their plain composite from afar.

    With the composite c = m·a + (1 − m)·b this finds the x that minimises

        |∇x − g|² + λ·|G x − G c|²

    with no gradient across the picture's border (Gaussian–Poisson equation, after Wu et al. 2019;
    the screened Poisson equation of Bhat et al. 2008 is G = 1). g is a's gradient where the mask is
    above a half and b's elsewhere: it holds one picture at a place, and nothing of the cut. G is a
    Gaussian blur, so that colours bind only where they are smooth: no weight brings the seam back.

    Args:
        a: uint8 `[height, width, 3]`.
        b: uint8 `[height, width, 3]`.
        mask: `[height, width]`, from 0 where the picture is b to 1 where it is a.
        colour_weight: λ times the variance of G in pixels, so that sizes do not change the look.
            At 0 colours run freely across the mask and only the composite's mean is kept, at 10
            each side keeps its own but for a soft border, and beyond 100 little changes.

    Returns:
        uint8 `[height, width, 3]`: a itself where the whole mask is 1, and b where it is 0.

    Raises:
        ValueError: pictures and mask differ in size, or the weight is negative.
    """
    if not a.shape == b.shape == (*mask.shape, 3):
        raise ValueError(f"sizes differ: {a.shape}, {b.shape}, mask {mask.shape}")
    if colour_weight < 0:
        raise ValueError(f"colour_weight {colour_weight} is negative")
    x, y, m = (values.astype(np.float32) for values in (a, b, mask[..., None]))
    composite = m * x + (1 - m) * y

    # Solving for what the composite lacks leaves it untouched wherever its gradients are right.
    lacks = []
    for axis, masks in enumerate((m[1:] + m[:-1], m[:, 1:] + m[:, :-1])):  # of both neighbours
        wanted = np.where(masks > 1, np.diff(x, axis=axis), np.diff(y, axis=axis))
        lacks.append(wanted - np.diff(composite, axis=axis))
    correction = _solve(lacks[0], lacks[1], colour_weight)
    return np.rint(np.clip(composite + correction, 0, 255)).astype(np.uint8)


def _solve(down: np.ndarray, right: np.ndarray, colour_weight: float) -> np.ndarray:
    """The z of mean 0 that minimises |∇z − g|² + λ·|G z|², exactly, in the cosine domain.

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

    # Cosines are the eigenvectors of −Δ and of G; these are the eigenvalues.
    rows, columns = (4 * np.sin(np.pi * np.arange(n) / (2 * n)) ** 2 for n in (height, width))
    laplacian = rows[:, None] + columns
    variance = (COLOUR_BLUR * min(height, width)) ** 2
    gaussian = np.exp(-variance * laplacian / 2)
    operator = laplacian + colour_weight / variance * gaussian**2
    operator[0, 0] = 1  # the divergence has mean 0, and so has z, whatever stands here

    waves = dctn(-divergence, axes=(0, 1)) / operator[..., None].astype(np.float32)
    return idctn(waves, axes=(0, 1))
