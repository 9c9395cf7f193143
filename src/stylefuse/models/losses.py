"""Loss terms of adversarial training, for any discriminator."""

from keras import ops

PENALTY_STEP = 0.01  # ε of the finite difference, where pictures are in −1…1


def logistic_loss(margin):
    """Mean of −log σ(margin) (Goodfellow et al. 2014, eq. 1).

    A discriminator minimises it for the margins D(real) and −D(fake), a generator for D(fake)
    (non-saturating). With D(real) − D(fake) it is the relativistic pairing loss (Huang et al. 2024,
    eq. 2).

    Args:
        margin: logits of any shape; the loss is small where they are large.

    Returns:
        A scalar.
    """
    return ops.mean(ops.softplus(-margin))


def gradient_penalty(discriminator, pictures, logits, noise):
    """Mean of ‖∇D‖² at pictures: R1 at real and R2 at fake ones (Mescheder et al. 2018, eq. 9),
    without the factor γ/2.

    It is estimated by finite differences along random directions, which needs no second
    derivative: E[((D(x + εn) − D(x)) / ε)²] = ‖∇D(x)‖² for n ~ N(0, I) and small ε.

    Args:
        discriminator: a function of pictures that returns logits `[batch]`, or logits of patches
            `[batch, …]`, which are averaged.
        pictures: `[batch, height, width, 3]`.
        logits: the discriminator's for `pictures`.
        noise: standard normal, the pictures' shape.

    Returns:
        A scalar.
    """
    change = (discriminator(pictures + PENALTY_STEP * noise) - logits) / PENALTY_STEP
    return ops.mean(ops.square(ops.mean(change, axis=tuple(range(1, change.ndim)))))


def share(condition):
    """The share of a boolean tensor's elements that are true."""
    return ops.mean(ops.cast(condition, "float32"))


def variety(generated, real):
    """Mean standard deviation over a batch of generated pictures, relative to that of real ones.

    Args:
        generated: `[batch, height, width, 3]`.
        real: the same shape.

    Returns:
        A scalar: about 1 for a generator as varied as the data, 0 after mode collapse.
    """

    def deviation(x):
        return ops.mean(ops.std(x, axis=0))

    return deviation(generated) / (deviation(real) + 1e-6)
