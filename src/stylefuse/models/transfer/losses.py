"""What generator and discriminator of the transfer model are trained for, in turn."""

from keras import ops

from stylefuse.models.augmentation import augmentation
from stylefuse.models.losses import gradient_penalty, logistic_loss, share, variety
from stylefuse.models.transfer.perceptual import perceptual_loss

OTHERS = 0.25  # share of the fakes' weight that goes to paintings beside another one's crop


def paint(generator, photograph, reference, mask, weight, fused):
    """Photographs after references. In a fused step the batch's next photograph shows where `mask`
    is 0, and the next painting's style counts `1 − weight`.

    Returns:
        Pictures `[batch, height, width, 3]`, and the content maps they were painted from.
    """
    content = generator.encode_content(photograph)
    code = generator.encode_style(reference)
    if fused:
        content = generator.mix_content(content, [_next(c) for c in content], mask)
        code = _mix(code, weight)
    return generator.decode(content, code), content


def discriminator_loss(generator, discriminator, settings, penalise, fused):
    """Real: a painting beside another crop of itself. Fake: a photograph painted after that crop,
    and another painting: or nothing would tell the generator which texture belongs to which.

    Logistic loss (Goodfellow et al. 2014, eq. 1), and with `penalise` R1 (Mescheder et al. 2018).
    """

    def loss_function(photograph, painting, reference, mask, weight, noise, draws, probability):
        seen = augmentation(settings, draws, probability)
        features = discriminator.features(reference)
        painting = seen(painting)
        maps = discriminator.maps(painting)
        real = discriminator.judge(maps, features)
        other = discriminator.judge(maps, _next(features))
        painted, _ = paint(generator, photograph, reference, mask, weight, fused)
        painted = seen(ops.stop_gradient(painted))
        fake = discriminator(painted, _mix(features, weight) if fused else features)
        loss = logistic_loss(real)
        loss += (1 - OTHERS) * logistic_loss(-fake) + OTHERS * logistic_loss(-other)
        total = loss
        if penalise:
            penalty = gradient_penalty(lambda x: discriminator(x, features), painting, real, noise)
            total = loss + 0.5 * settings.r1 * settings.r1_interval * penalty
        return total, (loss, share(real > 0), share(fake < 0))

    return loss_function


def generator_loss(generator, discriminator, settings, fused):
    """Fool the discriminator (non-saturating), keep the content's maps, give pictures back under
    their own style, and, where the settings ask for it, follow a guide."""

    def loss_function(photograph, painting, reference, mask, weight, noise, draws, probability):
        seen = augmentation(settings, draws, probability)
        painted, content = paint(generator, photograph, reference, mask, weight, fused)
        features = ops.stop_gradient(discriminator.features(reference))
        features = _mix(features, weight) if fused else features
        adversarial = logistic_loss(discriminator(seen(painted), features))
        kept = _distance(generator.encode_content(painted)[-1], ops.stop_gradient(content[-1]))

        quarter = max(1, photograph.shape[0] // 4)
        known = ops.concatenate([photograph[:quarter], painting[:quarter]])
        reconstruction = _distance(generator(known, known), known)

        loss = adversarial + settings.reconstruction * reconstruction + settings.content * kept
        guide = ops.zeros(())
        if settings.guide_content or settings.guide_style:
            same, alike = perceptual_loss(
                painted, photograph, reference, mask, weight, settings.precision
            )
            guide = settings.guide_content * same + settings.guide_style * alike
        return loss + guide, (adversarial, reconstruction, kept, guide, variety(painted, painting))

    return loss_function


def _next(x):
    """Of each picture in the batch, the next one's."""
    return ops.roll(x, 1, axis=0)


def _mix(codes, weight):
    return weight * codes + (1 - weight) * _next(codes)


def _distance(a, b):
    return ops.mean(ops.abs(a - b))
