"""Signs of a run's health that objectives report beside their losses."""

from keras import ops


def variety(made, real):
    """How much the pictures of a batch differ, beside how much real ones do: 0 is a collapse.

    Args:
        made: `[batch, height, width, 3]`.
        real: the same.
    """

    def spread(x):
        return ops.mean(ops.std(x, axis=0))

    return spread(made) / (spread(real) + 1e-6)
