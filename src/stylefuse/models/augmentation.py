"""Adaptive discriminator augmentation (ADA, Karras et al. 2020).

The discriminator sees real and generated pictures through the same random transforms. Each
transform is applied with a probability below 1, so that the generator does not learn to reproduce
it (section 2.2). The probability is adapted to how much the discriminator overfits.
"""

from keras import ops

# largest amounts in either direction
MAX_SHIFT = 1 / 8  # of the picture's side
MAX_LOG_SCALE = 0.15
MAX_BRIGHTNESS = 0.2  # pictures are in −1…1
MAX_CONTRAST = 0.25
MAX_SATURATION = 0.5
TRANSFORMS = 7  # mirror, shift across, shift down, scale, brightness, contrast, saturation
DRAWS = 2 * TRANSFORMS  # for each: whether it is applied, and its amount
MAX_PROBABILITY = 0.8  # nearer to 1, the transforms leak into generated pictures


def augment(x, draws, probability):
    """Apply random transforms to each picture; differentiable in the pictures.

    Args:
        x: pictures `[batch, side, side, 3]` in −1…1.
        draws: uniform random numbers in 0…1, `[batch, DRAWS]`.
        probability: of each single transform, a scalar; 0 returns the pictures unchanged.

    Returns:
        `[batch, side, side, 3]`; brightness may take values a little outside −1…1.
    """
    threshold, amount = ops.split(draws, 2, axis=1)
    amounts = (2 * amount - 1) * ops.cast(threshold < probability, x.dtype)
    mirror, across, down, scale, *colour = ops.split(amounts, TRANSFORMS, axis=1)

    # each axis is resampled by one matrix product, after which the axes are swapped
    side = x.shape[1]
    max_shift = side * MAX_SHIFT
    factor = ops.exp(MAX_LOG_SCALE * scale)
    mirrored = 1 - 2 * ops.cast(mirror > 0, x.dtype)
    resampled = x
    for matrix in (
        _resampling_matrix(side, factor, ops.round(max_shift * down)),
        _resampling_matrix(side, factor * mirrored, ops.round(max_shift * across)),
    ):
        resampled = ops.matmul(matrix, ops.reshape(resampled, (-1, side, side * 3)))
        resampled = ops.transpose(ops.reshape(resampled, (-1, side, side, 3)), (0, 2, 1, 3))
    # without a geometric transform, do not let a matrix product in short floats round the pixels
    unchanged = ops.all(amounts[:, :4] == 0, axis=1)[:, None, None, None]
    x = ops.where(unchanged, x, resampled)

    brightness, contrast, saturation = (a[:, :, None, None] for a in colour)
    x = x + MAX_BRIGHTNESS * brightness
    x = x + MAX_CONTRAST * contrast * (x - ops.mean(x, axis=(1, 2, 3), keepdims=True))
    return x + MAX_SATURATION * saturation * (x - ops.mean(x, axis=3, keepdims=True))


def augmentation(settings, draws, probability):
    """`augment` as a function of pictures alone; the identity if `settings.augment_target` is 0."""
    if settings.augment_target:
        return lambda pictures: augment(pictures, draws, probability)
    return lambda pictures: pictures


def adapt(probability, accuracy, target, pictures, span):
    """Adapt the probability of `augment` (Karras et al. 2020, section 3.1).

    The paper's overfitting heuristic r_t = E[sign D(real)] (eq. 1) is 2·accuracy − 1; its target
    of 0.6 is an accuracy of 0.8.

    Args:
        probability: the current one.
        accuracy: recent share of real pictures that the discriminator classified as real.
        target: the accuracy to hold.
        pictures: number of pictures shown since the last call.
        span: number of pictures that raise the probability from 0 to 1.

    Returns:
        The next probability, 0…`MAX_PROBABILITY`.
    """
    step = ops.where(accuracy > target, pictures / span, -pictures / span)
    return ops.clip(probability + step, 0.0, MAX_PROBABILITY)


def _resampling_matrix(side, scale, shift):
    """Matrices `[batch, side, side]` that scale and shift lines of pixels by linear interpolation.

    A line is scaled about its middle, mirrored where the scale is negative, then shifted. Beyond
    its ends it continues mirrored. Rows sum to 1.

    Args:
        side: pixels of a line.
        scale: factor, `[batch, 1]`.
        shift: pixels, `[batch, 1]`.
    """
    last = side - 1
    pixels = ops.arange(side, dtype=scale.dtype)
    source = (pixels - last / 2 - shift) / scale + last / 2
    source = last - ops.abs(last - ops.abs(source))
    return ops.relu(1 - ops.abs(source[:, :, None] - pixels))
