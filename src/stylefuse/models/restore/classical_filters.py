"""Classical restoration filters as layers of a network.

Pictures are `[batch, height, width, 3]` in −1…1; features are `degradation_features` of the whole
pictures, `[batch, FEATURE_COUNT]`.
"""

from keras import ops

from stylefuse.inference.degradation_features import channel_means, channel_ranges

MIN_SPAN = 0.02  # of the levels of a channel that unfading stretches
MIDDLE_RANGE = 0.01, 0.99  # of a channel's mean, as a share of its span
MIN_LEVEL, MAX_LEVEL = 1e-3, 2.0  # of stretched levels, before the γ curve


def thin_structures(x):
    """White and black top-hat transform of each channel with a square of 5 pixels.

    Returns:
        How much each pixel of a thin structure is lighter, and how much darker, than what is
        around it: two tensors of the pictures' shape.
    """
    return x - _dilate(-_dilate(-x)), -_dilate(-_dilate(x)) - x


def unfade(x, features, change):
    """Stretch the levels of each channel to the full range, and apply a γ curve.

    Without a change, the stretch is from the darkest to the lightest level of the features, and
    each channel's γ brings its mean halfway to the mean of all channels.

    Args:
        x: pictures.
        features: of the whole pictures.
        change: `[batch, 9]`, per channel: shift of the darkest level, ln of a factor of the
            range, ln of a factor of γ.

    Returns:
        Pictures, which may be lighter than 1.
    """
    low, high = channel_ranges(features)
    span = ops.maximum(high - low, MIN_SPAN)
    middle = ops.clip((channel_means(features) - low) / span, *MIDDLE_RANGE)
    gamma = ops.sqrt(ops.log(ops.mean(middle, axis=-1, keepdims=True)) / ops.log(middle))
    shift, log_scale, log_gamma = ops.split(change, 3, axis=-1)

    def per_pixel(value):
        return value[:, None, None, :]

    stretched = (x - per_pixel(low + shift)) * per_pixel(ops.exp(log_scale) / span)
    return (
        2 * ops.clip(stretched, MIN_LEVEL, MAX_LEVEL) ** per_pixel(gamma * ops.exp(log_gamma)) - 1
    )


def _dilate(x):
    """Maximum within a square of 5 pixels; beyond the border nothing counts."""
    return ops.max_pool(x, 5, 1, padding="same")
