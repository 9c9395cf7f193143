"""Conversion between RGB and opponent colours."""

from keras import ops

from stylefuse.images.colour import OPPONENT


def to_opponent(x):
    """Convert RGB `[..., 3]` to lightness, blue–yellow and green–magenta, an orthonormal basis.

    The colours of pictures vary almost independently along these axes, so that a palette can be
    transferred axis by axis (after Reinhard et al. 2001, who use lαβ for the same reason).
    """
    return ops.matmul(x, ops.cast(OPPONENT, x.dtype))


def from_opponent(x):
    """Convert opponent colours `[..., 3]` back to RGB; the inverse of `to_opponent`."""
    return ops.matmul(x, ops.cast(OPPONENT.T, x.dtype))
