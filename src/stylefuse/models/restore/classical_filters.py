"""Classical restoration filters whose strengths a network predicts.

They undo degradations that are the same everywhere in a picture. Pictures are
`[batch, height, width, 3]` in −1…1; features are `degradation_features` of the whole pictures,
`[batch, FEATURE_COUNT]`.
"""

from functools import lru_cache

import numpy as np
from keras import ops

from stylefuse.inference.degradation_features import channel_means, channel_ranges

BAND_SIGMAS = 0.5, 0.8, 1.2, 1.8, 2.7, 4.0  # of the Gaussians between the bands, pixels
BAND_RADIUS = 9  # pixels, of all kernels
BLUR_SIGMAS = 0.7, 1.0, 1.4, 1.8, 2.3, 3.0  # of the blurs with an inverse filter, pixels
SPECTRUM_SLOPE = 2.5  # a photograph's power falls as ω^−SPECTRUM_SLOPE
MIN_SPAN = 0.02  # of the levels of a channel that unfading stretches
MIDDLE_RANGE = 0.01, 0.99  # of a channel's mean, as a share of its span
MIN_LEVEL, MAX_LEVEL = 1e-3, 2.0  # of stretched levels, before the γ curve
ROUNDING_NOISE = 6e-4  # power of rounding to levels, relative to a photograph's at ω = 1


def detail_bands(x):
    """Split detail into bands of frequencies, each the difference of two Gaussian blurs.

    Returns:
        `[batch, height, width, 3, len(BAND_SIGMAS)]`; the bands' sum is the picture minus its
        widest blur.
    """
    border = [BAND_RADIUS, BAND_RADIUS]
    padded = ops.pad(x, [[0, 0], border, border, [0, 0]], mode="reflect")
    across = ops.depthwise_conv(padded, _gaussian_kernels()[None, :], padding="valid")
    # there are 3·len(BAND_SIGMAS) channels now, each with its own kernel
    down = ops.depthwise_conv(
        across,
        ops.reshape(_gaussian_kernels(), (2 * BAND_RADIUS + 1, 1, -1, 1)),
        padding="valid",
    )
    blurred = ops.reshape(down, (*ops.shape(x), len(BAND_SIGMAS)))
    return ops.concatenate([x[..., None], blurred[..., :-1]], axis=-1) - blurred


def sharpen(bands, shares):
    """The change that a mix of inverse filters makes.

    Args:
        bands: see `detail_bands`.
        shares: `[batch, len(BLUR_SIGMAS)]`, of the inverse filter of each blur.

    Returns:
        `[batch, height, width, 3]`, to be added to the picture.
    """
    gains = ops.matmul(shares, ops.convert_to_tensor(inverse_filters()))
    return ops.einsum("bhwcn,bn->bhwc", bands, gains)


def denoise(bands, thresholds, gains):
    """The change that soft thresholding (Donoho & Johnstone 1994) and amplifying the bands make.

    Args:
        bands: see `detail_bands`.
        thresholds: `[batch, 3, len(BAND_SIGMAS)]`, not negative.
        gains: of what exceeds the thresholds, the same shape; 1 changes nothing.

    Returns:
        `[batch, height, width, 3]`, to be added to the picture.
    """
    limits, gains = thresholds[:, None, None], gains[:, None, None]
    shrunk = bands - ops.clip(bands, -limits, limits)
    return ops.sum(gains * shrunk - bands, axis=-1)


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


@lru_cache
def inverse_filters() -> np.ndarray:
    """Gains of the bands that best undo each blur of `BLUR_SIGMAS`.

    This is Wiener's filter (1949) restricted to sums of the bands: least squares, over all
    frequencies, of the error that remains in a photograph and of its amplified rounding noise.

    Returns:
        float32 `[len(BLUR_SIGMAS), len(BAND_SIGMAS)]`.
    """
    frequencies = np.pi * (np.arange(64) + 0.5) / 64
    waves = np.cos(np.outer(frequencies, np.arange(-BAND_RADIUS, BAND_RADIUS + 1)))
    squares = np.add.outer(frequencies**2, frequencies**2).ravel()
    amplitude = squares ** (-SPECTRUM_SLOPE / 4)
    noise = np.full(len(squares), ROUNDING_NOISE**0.5)

    def blur_response(sigma):
        response = waves @ gaussian_kernel(sigma)
        return np.outer(response, response).ravel()

    bands = -np.diff([np.ones(len(squares)), *map(blur_response, BAND_SIGMAS)], axis=0).T
    gains = []
    for sigma in BLUR_SIGMAS:
        blurred = amplitude * blur_response(sigma)
        weights = np.concatenate([blurred, noise])[:, None]
        target = np.concatenate([amplitude - blurred, -noise])
        gains.append(np.linalg.lstsq(weights * np.tile(bands, (2, 1)), target)[0])
    return np.array(gains, np.float32)


def _dilate(x):
    """Maximum within a square of 5 pixels; beyond the border nothing counts."""
    return ops.max_pool(x, 5, 1, padding="same")


def _gaussian_kernels():
    """Gaussians `[2·BAND_RADIUS + 1, 3, len(BAND_SIGMAS)]`, the same for each colour."""
    gaussians = np.stack([gaussian_kernel(sigma) for sigma in BAND_SIGMAS], axis=-1)
    return ops.convert_to_tensor(np.tile(gaussians[:, None], (1, 3, 1)).astype(np.float32))


def gaussian_kernel(sigma):
    """A Gaussian kernel `[2·BAND_RADIUS + 1]` whose sum is 1."""
    kernel = np.exp(-0.5 * (np.arange(-BAND_RADIUS, BAND_RADIUS + 1) / sigma) ** 2)
    return kernel / kernel.sum()
