"""Kernel inception distance (KID): squared maximum mean discrepancy with a polynomial kernel."""

import numpy as np


def kernel_distance(
    a: np.ndarray, b: np.ndarray, subset_size: int, subsets: int, seed: int
) -> tuple[float, float]:
    """Compute the kernel distance (Bińkowski et al. 2018) averaged over random subsets.

    Args:
        a: features, float64 `[n, d]`.
        b: features, float64 `[m, d]`.
        subset_size: rows per subset; limited to the number of rows.
        subsets: number of random subsets to average over.
        seed: of the random subsets.

    Returns:
        Mean and standard deviation over the subsets.
    """
    size = min(subset_size, len(a), len(b))
    rng = np.random.default_rng(seed)
    values = []
    for _ in range(subsets):
        x = a[rng.choice(len(a), size, replace=False)]
        y = b[rng.choice(len(b), size, replace=False)]
        values.append(squared_mmd(x, y)[0])
    return float(np.mean(values)), float(np.std(values))


def squared_mmd(
    x: np.ndarray,
    y: np.ndarray,
    x_groups: np.ndarray | None = None,
    y_groups: np.ndarray | None = None,
    x_weights: np.ndarray | None = None,
    y_weights: np.ndarray | None = None,
) -> np.ndarray:
    """Compute the unbiased squared maximum mean discrepancy (Gretton et al. 2012, eq. 3).

    Only pairs of rows from different groups count within a set. Otherwise a group that a bootstrap
    draws twice would count its similarity to itself four times.

    Args:
        x: features, float64 `[n, d]`.
        y: features, float64 `[m, d]`.
        x_groups: group of each row, `[n]`; by default each row is a group of its own.
        y_groups: the same, `[m]`.
        x_weights: how often each row counts, `[draws, n]`; by default one draw of every row once.
        y_weights: the same, `[draws, m]`.

    Returns:
        `[draws]`
    """
    x_weights = np.ones((1, len(x))) if x_weights is None else x_weights
    y_weights = np.ones((1, len(y))) if y_weights is None else y_weights
    between = ((x_weights @ polynomial_kernel(x, y)) * y_weights).sum(axis=1)
    between = between / x_weights.sum(axis=1) / y_weights.sum(axis=1)
    within = _mean_within(x, x_groups, x_weights) + _mean_within(y, y_groups, y_weights)
    return within - 2 * between


def polynomial_kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Compute the kernel (x·y/d + 1)³ of all pairs of rows, `[n, m]` (Bińkowski et al. 2018)."""
    return (x @ y.T / x.shape[1] + 1) ** 3


def _mean_within(x: np.ndarray, groups: np.ndarray | None, weights: np.ndarray) -> np.ndarray:
    """The mean kernel over pairs of rows from different groups, for every draw."""
    ids = np.arange(len(x)) if groups is None else groups
    same_group = np.equal.outer(ids, ids)
    kernel = np.where(same_group, 0.0, polynomial_kernel(x, x))
    pairs = np.square(weights.sum(axis=1)) - ((weights @ same_group) * weights).sum(axis=1)
    return ((weights @ kernel) * weights).sum(axis=1) / pairs
