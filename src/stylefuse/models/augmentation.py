"""Adaptive discriminator augmentation (Karras et al. 2020): few pictures, seen in many ways.

The discriminator sees real and generated pictures through the same random changes, each made with
a probability below 1, so that the generator cannot learn them for a property of the pictures
(section 2.2). The probability follows how far the discriminator overfits.
"""

from keras import ops

# largest amounts, either way: part of the side, ln of the size, light in −1…1, parts of 1
SHIFT, SIZE, LIGHT, CONTRAST, SATURATION = 1 / 8, 0.15, 0.2, 0.25, 0.5
CHANGES = 7  # mirror, across, down, size, light, contrast, saturation
DRAWS = 2 * CHANGES  # whether, and how much
MOST = 0.8  # probability; nearer to 1 changes show up in what is generated


def augment(x, draws, probability):
    """Change every picture in its own way; differentiable in the pictures.

    Args:
        x: pictures `[batch, side, side, 3]` in −1…1.
        draws: uniform in 0…1, `[batch, DRAWS]`.
        probability: of each single change, a scalar; at 0 the pictures stay as they are.

    Returns:
        `[batch, side, side, 3]`, a little outside −1…1 where light was added.
    """
    whether, amount = ops.split(draws, 2, axis=1)
    amounts = (2 * amount - 1) * ops.cast(whether < probability, x.dtype)
    mirror, across, down, size, *colour = ops.split(amounts, CHANGES, axis=1)

    # the geometry is one product along each axis, and twice the same turn is none
    side = x.shape[1]
    step = side * SHIFT
    magnified = ops.exp(SIZE * size)
    mirrored = 1 - 2 * ops.cast(mirror > 0, x.dtype)
    moved = x
    for matrix in (
        _resampling(side, magnified, ops.round(step * down)),
        _resampling(side, magnified * mirrored, ops.round(step * across)),
    ):
        moved = ops.matmul(matrix, ops.reshape(moved, (-1, side, side * 3)))
        moved = ops.transpose(ops.reshape(moved, (-1, side, side, 3)), (0, 2, 1, 3))
    # where nothing moves, keep what a product in a GPU's short floats would round
    still = ops.all(amounts[:, :4] == 0, axis=1)[:, None, None, None]
    x = ops.where(still, x, moved)

    light, contrast, saturation = (a[:, :, None, None] for a in colour)
    x = x + LIGHT * light
    x = x + CONTRAST * contrast * (x - ops.mean(x, axis=(1, 2, 3), keepdims=True))
    return x + SATURATION * saturation * (x - ops.mean(x, axis=3, keepdims=True))


def augmentation(settings, draws, probability):
    """What a discriminator sees of pictures: `augment`, or nothing done where it is turned off."""
    if settings.augment_target:
        return lambda pictures: augment(pictures, draws, probability)
    return lambda pictures: pictures


def adapt(probability, accuracy, target, pictures, span):
    """The next probability of `augment` (Karras et al. 2020, section 3.1).

    The paper's overfitting heuristic r_t = E[sign D(real)] (eq. 1) is 2·accuracy − 1; its target
    of 0.6 is an accuracy of 0.8.

    Args:
        probability: so far.
        accuracy: share of real pictures that the discriminator took for real lately.
        target: the accuracy to hold.
        pictures: how many were seen since the last call.
        span: how many it takes from 0 to 1.
    """
    step = ops.where(accuracy > target, pictures / span, -pictures / span)
    return ops.clip(probability + step, 0.0, MOST)


def _resampling(side, scale, shift):
    """What every pixel of a line is mixed from: `[batch, side, side]`, rows that sum to 1.

    The line is scaled about its middle, by a negative factor mirrored, then shifted; it goes on
    mirrored beyond its ends. Linear interpolation between two neighbours.

    Args:
        scale, shift: `[batch, 1]`, the shift in pixels.
    """
    last = side - 1
    pixels = ops.arange(side, dtype=scale.dtype)
    source = (pixels - last / 2 - shift) / scale + last / 2
    source = last - ops.abs(last - ops.abs(source))
    return ops.relu(1 - ops.abs(source[:, :, None] - pixels))
