"""Blurring, resizing and broadcasting of feature maps."""

from keras import ops


def box_blur(x):
    """Blur twice with a box of 5 pixels: keeps the shading of a scene, removes its detail."""
    border = [[0, 0], [4, 4], [4, 4], [0, 0]]
    x = ops.pad(x, border, mode="reflect")
    for _ in range(2):
        x = ops.average_pool(x, 5, 1, padding="valid")
    return x


def downsample(x, factor):
    """Average over blocks of `factor` × `factor` positions."""
    return ops.average_pool(x, factor, factor) if factor > 1 else x


def upsample(x):
    """Double height and width by nearest-neighbour interpolation.

    Followed by a convolution, this makes no checkerboard artefacts (Odena et al. 2016).
    """
    return ops.repeat(ops.repeat(x, 2, axis=1), 2, axis=2)


def broadcast_styles(vectors, regions):
    """Assign to each position of a map the vector of its style, or its mix of several styles.

    Args:
        vectors: `[batch, n]`, or `[batch, styles, n]` with `regions`.
        regions: None, or the share of each style at each position,
            `[batch, height, width, styles]`.

    Returns:
        `[batch, 1, 1, n]`, or `[batch, height, width, n]` with `regions`.
    """
    if regions is None:
        return vectors[:, None, None, :]
    return ops.einsum("bhws,bsn->bhwn", regions, vectors)
