"""TODO docstring."""

from keras import ops


def soften(x):
    """Two box blurs of 5 pixels: keeps the light and shade of a scene, loses its detail."""
    edge = [[0, 0], [4, 4], [4, 4], [0, 0]]
    x = ops.pad(x, edge, mode="reflect")
    for _ in range(2):
        x = ops.average_pool(x, 5, 1, padding="valid")
    return x


def shrink(x, k):
    """Average over blocks of k×k positions."""
    return ops.average_pool(x, k, k) if k > 1 else x


def spread(values, regions):
    """Lay one vector per style over a map's positions.

    Args:
        values: `[batch, n]`, or `[batch, styles, n]` with `regions`.
        regions: None, or shares `[batch, height, width, styles]`.

    Returns:
        `[batch, 1, 1, n]`, or `[batch, height, width, n]` with `regions`.
    """
    if regions is None:
        return values[:, None, None, :]
    return ops.einsum("bhws,bsn->bhwn", regions, values)


def upsample(x):
    """Double height and width by repetition; a convolution follows, so no checkerboard forms."""
    return ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)
