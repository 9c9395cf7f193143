"""What adversarial objectives are made of, for any discriminator."""

from keras import ops

PENALTY_STEP = 0.01  # length of the finite difference, in picture units


def logistic_loss(margin):
    """−log σ(margin), averaged (Goodfellow et al. 2014, eq. 1): small where margins are large.

    A discriminator minimises it for D(real) and −D(fake), a generator for D(fake)
    (non-saturating). Of D(real) − D(fake) it is the relativistic pairing loss (Huang et al. 2024,
    eq. 2).
    """
    return ops.mean(ops.softplus(-margin))


def gradient_penalty(judge, pictures, logits, noise):
    """‖∇D‖² at some pictures, averaged: R1 at real and R2 at fake ones (Mescheder et al. 2018,
    eq. 9), without the half of gamma before it.

    Taken along random directions, E[((D(x + εn) − D(x)) / ε)²] = ‖∇D(x)‖² for n ~ N(0, I), which
    needs no second derivative.

    Args:
        judge: the discriminator, pictures → logits `[batch]`, or of patches `[batch, …]`, whose
            mean is then what counts.
        pictures: `[batch, height, width, 3]`.
        logits: what `judge` says of them.
        noise: standard normal, the pictures' shape.
    """
    change = (judge(pictures + PENALTY_STEP * noise) - logits) / PENALTY_STEP
    return ops.mean(ops.square(ops.mean(change, axis=tuple(range(1, change.ndim)))))


def share(truth):
    """The share of a tensor of truths that holds."""
    return ops.mean(ops.cast(truth, "float32"))


def variety(made, real):
    """How much the pictures of a batch differ, beside how much real ones do: 0 is a collapse.

    Args:
        made: `[batch, height, width, 3]`.
        real: the same.
    """

    def spread(x):
        return ops.mean(ops.std(x, axis=0))

    return spread(made) / (spread(real) + 1e-6)
