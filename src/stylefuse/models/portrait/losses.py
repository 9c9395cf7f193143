"""Losses of the portrait model's generator and discriminator.

The loss is logistic and non-saturating (Goodfellow et al. 2014), with a gradient penalty at real
pictures (R1, Mescheder et al. 2018, eq. 9) if `r1` is above 0. The architecture "regular" uses the
relativistic pairing loss, with the penalty at real and fake pictures (Huang et al. 2024, eqs. 2
and 3).
"""

from keras import ops

from stylefuse.models.augmentation import augmentation
from stylefuse.models.losses import gradient_penalty, logistic_loss, share, variety
from stylefuse.models.portrait.progressive import at_level


def discriminator_loss(generator, discriminator, settings, penalise, level):
    """Classify portraits as real, or as painted from `latents`.

    The relativistic loss determines logits up to a constant; for the accuracies, it is chosen so
    that zero is midway between the means of real and fake.
    """
    relativistic = settings.architecture == "regular"

    def loss_function(real, latents, other_latents, noise, draws, fade, probability):
        growth = _growth(settings, level, fade)
        augment = augmentation(settings, draws, probability)
        real = augment(at_level(real, **growth) if growth else real)
        fake = augment(ops.stop_gradient(generator(latents, **growth, training=True)))

        def logits(pictures):
            return discriminator(pictures, **growth)

        real_logits, fake_logits = logits(real), logits(fake)
        if relativistic:
            loss = logistic_loss(real_logits - fake_logits)
            zero = (ops.mean(real_logits) + ops.mean(fake_logits)) / 2
        else:
            loss, zero = logistic_loss(real_logits) + logistic_loss(-fake_logits), 0.0
        total = loss
        if penalise and settings.r1:
            penalty = gradient_penalty(logits, real, real_logits, noise)
            if relativistic:
                penalty += gradient_penalty(logits, fake, fake_logits, noise)
            total = loss + 0.5 * settings.r1 * settings.r1_interval * penalty
        return total, (loss, share(real_logits > zero), share(fake_logits < zero))

    return loss_function


def generator_loss(generator, discriminator, settings, level):
    """Paint portraits from `other_latents` that the discriminator classifies as real."""

    def loss_function(real, latents, other_latents, noise, draws, fade, probability):
        growth = _growth(settings, level, fade)
        augment = augmentation(settings, draws, probability)
        painted = generator(other_latents, **growth, training=True)
        margin = discriminator(augment(painted), **growth)
        if settings.architecture == "regular":
            margin -= discriminator(augment(real))
        adversarial = logistic_loss(margin)
        return adversarial, (adversarial, variety(painted, real))

    return loss_function


def _growth(settings, level, fade):
    """Arguments for the calls of progressive networks; none for other architectures."""
    return {"level": level, "fade": fade} if settings.architecture == "progressive" else {}
