"""What generator and discriminator of the restoration model are trained for, in turn."""

from keras import ops

from stylefuse.models.blocks.augment import augmentation
from stylefuse.models.blocks.losses import gradient_penalty, logistic_loss, share
from stylefuse.models.blocks.signs import variety

FLAWLESS = 3e-3  # squared error below which little is left to gain, some 31 dB


def discriminator_objective(generator, discriminator, settings, penalise):
    """Real: the undamaged picture beside the damaged one. Fake: the restored one beside it."""

    def objective(damaged, clean, ramp, noise, draws, probability):
        seen = augmentation(settings, draws, probability)
        restored = ops.stop_gradient(generator(damaged))
        beside = seen(damaged)
        clean = seen(clean)
        real = discriminator(clean, beside)
        fake = discriminator(seen(restored), beside)
        loss = logistic_loss(real) + logistic_loss(-fake)
        total = loss
        if penalise:
            penalty = gradient_penalty(
                lambda x: _whole(discriminator(x, beside)), clean, _whole(real), noise
            )
            total = loss + 0.5 * settings.r1 * settings.r1_interval * penalty
        return total, (loss, share(real > 0), share(fake < 0))

    return objective


def generator_objective(generator, discriminator, settings):
    """Come near to the undamaged picture, by as many decibels whatever the damage (the PSNR loss of
    Chen et al. 2021, HINet, eq. 2), and, once that is learned, be taken for it."""

    def objective(damaged, clean, ramp, noise, draws, probability):
        seen = augmentation(settings, draws, probability)
        restored = generator(damaged)
        errors = ops.mean(ops.square(restored - clean), axis=(1, 2, 3))
        distance = ops.mean(ops.log(errors + FLAWLESS)) / 2
        judged = discriminator(seen(restored), seen(damaged))
        adversarial = logistic_loss(judged)
        loss = distance + settings.adversarial * ramp * adversarial
        return loss, (adversarial, distance, variety(restored, clean))

    return objective


def _whole(logits):
    """Patches' logits → one per picture."""
    return ops.mean(logits, axis=(1, 2))
