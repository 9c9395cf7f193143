"""What generator and discriminator of the restoration model are trained for, in turn."""

from keras import ops

from stylefuse.models.augmentation import augmentation
from stylefuse.models.losses import gradient_penalty, logistic_loss, share, variety

FLAWLESS = 1e-3  # squared error below which little is left to gain, some 36 dB


def discriminator_loss(generator, discriminator, settings, penalise, phase):
    """Real: the undamaged picture beside the damaged one. Fake: the restored one beside it."""

    def loss_function(
        degraded, measured, clean, studies, kinds, points, ramp, noise, draws, probability
    ):
        seen = augmentation(settings, draws, probability)
        restored = ops.stop_gradient(generator(degraded, measured))
        beside = seen(degraded)
        clean = seen(clean)
        real = discriminator(clean, beside)
        fake = discriminator(seen(restored), beside)
        loss = logistic_loss(real) + logistic_loss(-fake)
        total = loss
        if penalise:
            penalty = gradient_penalty(lambda x: discriminator(x, beside), clean, real, noise)
            total = loss + 0.5 * settings.r1 * settings.r1_interval * penalty
        return total, (loss, share(real > 0), share(fake < 0))

    return loss_function


def generator_loss(generator, discriminator, settings, phase):
    """Come near to the undamaged picture, by as many decibels whatever the damage (the PSNR loss of
    Chen et al. 2021, HINet, eq. 2), and, once that is learned, be taken for it. What a generator
    does to whole pictures, it learns from many more of them: to tell the kinds of damage, and to
    give a few points of each their colours back."""

    def loss_function(
        degraded, measured, clean, studies, kinds, points, ramp, noise, draws, probability
    ):
        seen = augmentation(settings, draws, probability)
        restored = generator(degraded, measured)
        distance = _decibels(restored, clean)
        adversarial = logistic_loss(discriminator(seen(restored), seen(degraded)))

        told, coloured = ops.split(studies, 2)
        told_kinds, coloured_kinds = ops.split(kinds, 2)
        logits = generator.recognise(told)
        recognition = ops.mean(ops.softplus(logits) - told_kinds * logits)  # cross-entropy
        faded, vivid = points[:, :1], points[:, 1:]
        colour = _decibels(generator.recoloured(faded, coloured, coloured_kinds), vivid)

        loss = distance + recognition + colour + settings.adversarial * ramp * adversarial
        return loss, (adversarial, distance, recognition, colour, variety(restored, clean))

    return loss_function


def _decibels(restored, clean):
    """Mean logarithm of the distance of pictures `[batch, height, width, 3]`."""
    errors = ops.mean(ops.square(restored - clean), axis=(1, 2, 3))
    return ops.mean(ops.log(errors + FLAWLESS)) / 2
