"""PatchNCE of CUT (Park et al. 2020): a place keeps what tells it from other places."""

from keras import ops

POSITIONS = 64  # of a map, drawn at random; the paper has 256 of larger pictures
TEMPERATURE = 0.07


def patch_contrast(found, kept, noise):
    """A place in a painted picture should be nearer to the same place in its photograph than to
    other places there (eq. 2 and 3, with the mean over maps and positions for the sum).

    The maps are compared as they are: the paper's projection heads would be weights that the
    product does not have.

    Args:
        found: content maps of painted pictures, each `[batch, height, width, channels]`; the
            first, light and shade, has learned nothing and is left out.
        kept: those that they were painted from; no gradient goes through them.
        noise: `[batch, crop, crop, channels]`, draws the positions of each picture.

    Returns:
        A scalar: ln `POSITIONS` where no place is told from another.
    """
    losses = [_contrast(*maps, noise) for maps in zip(found[1:], kept[1:], strict=True)]
    return sum(losses) / len(losses)


def _contrast(found, kept, noise):
    stride = noise.shape[1] // found.shape[1]
    results = _places(noise[:, ::stride, ::stride, :1])[..., 0]
    _, positions = ops.top_k(results, POSITIONS, sorted=False)
    queries, keys = (
        ops.normalize(ops.take_along_axis(_places(x), positions[..., None], axis=1))
        for x in (found, ops.stop_gradient(kept))
    )
    likeness = ops.einsum("bqc,bkc->bqk", queries, keys) / TEMPERATURE
    same = ops.diagonal(likeness, axis1=1, axis2=2)
    return ops.mean(ops.logsumexp(likeness, axis=2) - same)


def _places(x):
    """`[batch, height, width, channels]` → `[batch, height·width, channels]`."""
    return ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))
