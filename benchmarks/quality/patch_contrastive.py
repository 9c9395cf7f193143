"""The patch-contrastive loss (PatchNCE) of CUT, Park et al. 2020."""

from keras import ops

POSITIONS = 64  # of a map, drawn at random; the paper has 256 of larger pictures
TEMPERATURE = 0.07


def patch_contrastive_loss(painted, source, noise):
    """Cross-entropy of finding each position of a painted picture in its photograph (eq. 2 and 3,
    with the mean over maps and positions instead of the sum).

    The maps are compared as they are. The paper's projection heads would be weights that the
    product does not have.

    Args:
        painted: content maps of painted pictures, each `[batch, height, width, channels]`; the
            first one, blurred colours, is not learned and is left out.
        source: content maps of the photographs; no gradient flows through them.
        noise: `[batch, crop, crop, channels]`; determines the positions in each picture.

    Returns:
        A scalar; ln `POSITIONS` if all positions look the same.
    """
    losses = [_contrast(*maps, noise) for maps in zip(painted[1:], source[1:], strict=True)]
    return sum(losses) / len(losses)


def _contrast(painted, source, noise):
    stride = noise.shape[1] // painted.shape[1]
    ranks = _flatten(noise[:, ::stride, ::stride, :1])[..., 0]
    _, positions = ops.top_k(ranks, POSITIONS, sorted=False)
    queries, keys = (
        ops.normalize(ops.take_along_axis(_flatten(x), positions[..., None], axis=1))
        for x in (painted, ops.stop_gradient(source))
    )
    similarity = ops.einsum("bqc,bkc->bqk", queries, keys) / TEMPERATURE
    same_position = ops.diagonal(similarity, axis1=1, axis2=2)
    return ops.mean(ops.logsumexp(similarity, axis=2) - same_position)


def _flatten(x):
    """`[batch, height, width, channels]` → `[batch, height·width, channels]`."""
    return ops.reshape(x, (-1, x.shape[1] * x.shape[2], x.shape[3]))
