"""Losses of the healer and of the discriminator of patches.

Both are about pairs: the healed picture and the painting that it should be show the same face, so
that the relativistic pairing loss (Huang et al. 2024, eq. 2) compares patches at the same place.
"""

from keras import ops

from stylefuse.models.losses import gradient_penalty, logistic_loss, share

PENALTY_WEIGHT = 0.25  # γ/2 of R1 and R2, per patch
MASK = slice(3, 4)  # of the generator's inputs


def discriminator_loss(discriminator):
    """Tell a painting from a healed picture of the same face."""

    def loss_function(healed, paintings, noise):
        real, fake = discriminator(paintings), discriminator(healed)
        loss = logistic_loss(real - fake)
        penalty = gradient_penalty(discriminator, paintings, real, noise)
        penalty += gradient_penalty(discriminator, healed, fake, noise)
        return loss + PENALTY_WEIGHT * penalty, (loss, share(real > fake))

    return loss_function


def generator_loss(generator, discriminator, adversarial_weight):
    """Paint what the painting shows: levels and their differences between neighbours inside the
    mask, and, with a weight above 0, patches that the discriminator takes for the painting's."""

    def loss_function(inputs, paintings):
        mask, healed = inputs[..., MASK], generator(inputs)
        error = healed - paintings
        levels = _mean_inside(error, mask)
        edges = _mean_inside(error[:, 1:] - error[:, :-1], mask[:, 1:])
        edges += _mean_inside(error[:, :, 1:] - error[:, :, :-1], mask[:, :, 1:])
        total, adversarial = levels + edges, ops.zeros(())
        if adversarial_weight:
            adversarial = logistic_loss(discriminator(healed) - discriminator(paintings))
            total += adversarial_weight * adversarial
        return total, (levels, edges, adversarial)

    return loss_function


def _mean_inside(x, mask):
    """Mean absolute value of pictures inside masks, `[batch, height, width, 3 or 1]`."""
    return ops.sum(ops.abs(x) * mask) / (3 * ops.sum(mask) + 1e-6)
