"""TODO docstring."""

from keras import ops

from stylefuse.images.colour import OPPONENT


def to_opponent(x):
    """RGB → light, blue against yellow, and green against magenta, an orthonormal basis.

    The colours of pictures vary almost independently along these axes, so that a palette can be
    given one axis at a time (after Reinhard et al. 2001, who use lαβ for the same reason).
    """
    return ops.matmul(x, ops.cast(OPPONENT, x.dtype))


def from_opponent(x):
    """The way back from `to_opponent`."""
    return ops.matmul(x, ops.cast(OPPONENT.T, x.dtype))
