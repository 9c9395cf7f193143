"""What generator and discriminator of the portraits are trained for, in turn.

The loss is logistic and non-saturating (Goodfellow et al. 2014), with a gradient penalty at real
pictures (R1, Mescheder et al. 2018, eq. 9) where `r1` is above 0. With the architecture "regular" a
real picture is judged beside a fake one, and the penalty holds at both (Huang et al. 2024, eqs. 2
and 3).

Objectives are functions of `(real, latents, other_latents, noise, draws, fade, probability)`.
"""

from keras import ops

from stylefuse.models.augmentation import augmentation
from stylefuse.models.losses import gradient_penalty, logistic_loss, share, variety
from stylefuse.models.portrait.progressive import at_level


def discriminator_loss(generator, discriminator, settings, penalise, level):
    """Tell real portraits from those painted from `latents`.

    Reports `(loss, accuracy on real, accuracy on fake)`. Pairs leave the origin of the logits
    open; there it is taken midway between the means of real and fake.
    """
    paired = settings.architecture == "regular"

    def loss_function(real, latents, other_latents, noise, draws, fade, probability):
        grown = _grown(settings, level, fade)
        seen = augmentation(settings, draws, probability)
        real = seen(at_level(real, **grown) if grown else real)
        fake = seen(ops.stop_gradient(generator(latents, **grown, training=True)))

        def judge(pictures):
            return discriminator(pictures, **grown)

        truth, lie = judge(real), judge(fake)
        if paired:
            loss, origin = logistic_loss(truth - lie), (ops.mean(truth) + ops.mean(lie)) / 2
        else:
            loss, origin = logistic_loss(truth) + logistic_loss(-lie), 0.0
        total = loss
        if penalise and settings.r1:
            penalty = gradient_penalty(judge, real, truth, noise)
            if paired:
                penalty += gradient_penalty(judge, fake, lie, noise)
            total = loss + 0.5 * settings.r1 * settings.r1_interval * penalty
        return total, (loss, share(truth > origin), share(lie < origin))

    return loss_function


def generator_loss(generator, discriminator, settings, level):
    """Paint portraits from `other_latents` that the discriminator takes for real.

    Reports `(adversarial, variety)`.
    """

    def loss_function(real, latents, other_latents, noise, draws, fade, probability):
        grown = _grown(settings, level, fade)
        seen = augmentation(settings, draws, probability)
        painted = generator(other_latents, **grown, training=True)
        margin = discriminator(seen(painted), **grown)
        if settings.architecture == "regular":
            margin -= discriminator(seen(real))
        adversarial = logistic_loss(margin)
        return adversarial, (adversarial, variety(painted, real))

    return loss_function


def _grown(settings, level, fade):
    """How far networks that grow are grown; nothing for the others."""
    return {"level": level, "fade": fade} if settings.architecture == "progressive" else {}
