"""TODO docstring."""

import numpy as np


def kernel_distance(
    a: np.ndarray, b: np.ndarray, size: int, subsets: int, seed: int
) -> tuple[float, float]:
    """Kernel distance: unbiased squared MMD with the kernel (x·y/d + 1)³ (Bińkowski et al. 2018).

    Args:
        a: features `[n, d]`.
        b: features `[m, d]`.
        size: rows in a subset, at most all.
        subsets: how many random subsets are averaged.
        seed: draws the subsets.

    Returns:
        Mean and standard deviation over the subsets.
    """
    size = min(size, len(a), len(b))
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(subsets):
        x = a[rng.choice(len(a), size, replace=False)]
        y = b[rng.choice(len(b), size, replace=False)]
        within = sum(k.sum() - np.trace(k) for k in (_kernel(x, x), _kernel(y, y)))
        values.append(within / (size * (size - 1)) - 2 * _kernel(x, y).mean())
    return float(np.mean(values)), float(np.std(values))


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3
