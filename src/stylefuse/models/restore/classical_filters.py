"""What undoes a damage that is the same everywhere, in closed form: a network only says how much.

Pictures are `[batch, height, width, 3]` from −1 to 1; what is "measured" is `degradation_features` of whole
pictures, `[batch, SIZE]`.
"""

from functools import lru_cache

import numpy as np
from keras import ops

from stylefuse.inference.degradation_features import mean_of, range_of

WIDTHS = 0.5, 0.8, 1.2, 1.8, 2.7, 4.0  # of the bank of Gaussian blurs, σ in pixels
REACH = 9  # pixels to each side that the widest blur sees
BLURS = 0.7, 1.0, 1.4, 1.8, 2.3, 3.0  # σ of the blurs that can be undone
FALL, ROUNDING = 2.5, 6e-4  # a photograph's power falls as ω^−FALL; noise's over it at ω = 1


def detail_bands(x):
    """What each blur of `WIDTHS` takes away beyond the one before it: `[…, 3]` →
    `[…, 3, len(WIDTHS)]`. The bands' sum is the picture less its widest blur."""
    edge = [[0, 0], [REACH, REACH], [REACH, REACH], [0, 0]]
    padded = ops.pad(x, edge, mode="reflect")
    across = ops.depthwise_conv(padded, _kernels()[None, :], padding="valid")
    # what was three channels is now 3·len(WIDTHS), each with its own kernel
    down = ops.depthwise_conv(
        across, ops.reshape(_kernels(), (2 * REACH + 1, 1, -1, 1)), padding="valid"
    )
    blurred = ops.reshape(down, (*ops.shape(x), len(WIDTHS)))
    return ops.concatenate([x[..., None], blurred[..., :-1]], axis=-1) - blurred


def sharpening(bands, shares):
    """What inverse filters add, each in its share.

    Args:
        bands: see `detail_bands`.
        shares: `[batch, len(BLURS)]`, how much of the filter against each blur.

    Returns:
        `[batch, height, width, 3]`
    """
    gains = ops.matmul(shares, ops.convert_to_tensor(inverse_filters()))
    return ops.einsum("bhwcn,bn->bhwc", bands, gains)


def denoising(bands, thresholds, gains):
    """What soft thresholds of each band and colour (Donoho & Johnstone 1994), and gains of what
    stands out, change.

    Args:
        bands: see `detail_bands`.
        thresholds: `[batch, 3, len(WIDTHS)]`, not negative.
        gains: the same shape; 1 changes nothing.
    """
    limits, gains = thresholds[:, None, None], gains[:, None, None]
    kept = bands - ops.clip(bands, -limits, limits)
    return ops.sum(gains * kept - bands, axis=-1)


def thin_things(x):
    """How much each pixel is lighter, and darker, than a square of 5 pixels that fits there: the
    top hat and black hat of each colour, two times the picture's shape."""
    return x - _dilated(-_dilated(-x)), -_dilated(-_dilated(x)) - x


def unfaded(x, measured, change):
    """Stretch each channel to its full range, and bend it.

    Without a change, the stretch is from the darkest to the lightest value measured, and a γ then
    brings each channel's mean half the way to all channels' mean.

    Args:
        change: `[batch, 9]`, per channel: shift of the darkest value, ln of a factor of the
            range, ln of a factor of γ.
    """
    low, high = range_of(measured)
    span = ops.maximum(high - low, 0.02)
    middle = ops.clip((mean_of(measured) - low) / span, 0.01, 0.99)
    bend = ops.sqrt(ops.log(ops.mean(middle, axis=-1, keepdims=True)) / ops.log(middle))
    shift, scale, bent = ops.split(change, 3, axis=-1)

    def over(value):
        return value[:, None, None, :]

    share = (x - over(low + shift)) * over(ops.exp(scale) / span)
    return 2 * ops.clip(share, 1e-3, 2) ** over(bend * ops.exp(bent)) - 1


@lru_cache
def inverse_filters() -> np.ndarray:
    """Gains of the bands that undo each blur of `BLURS` best, float32 `[len(BLURS), len(WIDTHS)]`.

    Wiener's filter (1949) within the span of the bands: least squares over frequencies of what the
    blur leaves wrong of a photograph and of what becomes of its rounding to levels.
    """
    at = np.pi * (np.arange(64) + 0.5) / 64
    waves = np.cos(np.outer(at, np.arange(-REACH, REACH + 1)))
    squares = np.add.outer(at**2, at**2).ravel()
    amplitude, noise = squares ** (-FALL / 4), np.full(len(squares), ROUNDING**0.5)

    def kept(width):
        """The share of each frequency that a blur leaves."""
        response = waves @ _bell(width)
        return np.outer(response, response).ravel()

    bands = -np.diff([np.ones(len(squares)), *map(kept, WIDTHS)], axis=0).T
    gains = []
    for sigma in BLURS:
        through = amplitude * kept(sigma)
        weights = np.concatenate([through, noise])[:, None]
        wanted = np.concatenate([amplitude - through, -noise])
        gains.append(np.linalg.lstsq(weights * np.tile(bands, (2, 1)), wanted)[0])
    return np.array(gains, np.float32)


def _dilated(x):
    """The greatest value within a square of 5 pixels; nothing is greater beyond the border."""
    return ops.max_pool(x, 5, 1, padding="same")


def _kernels():
    """Gaussians `[2·REACH + 1, 3, len(WIDTHS)]`, the same for each colour."""
    bells = np.stack([_bell(width) for width in WIDTHS], axis=-1)
    return ops.convert_to_tensor(np.tile(bells[:, None], (1, 3, 1)).astype(np.float32))


def _bell(width):
    """A Gaussian that adds up to 1, `[2·REACH + 1]`."""
    bell = np.exp(-0.5 * (np.arange(-REACH, REACH + 1) / width) ** 2)
    return bell / bell.sum()
