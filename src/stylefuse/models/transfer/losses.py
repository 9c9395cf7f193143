"""Losses of the transfer model's generator and discriminator."""

from keras import ops

from stylefuse.models.augmentation import augmentation
from stylefuse.models.losses import gradient_penalty, logistic_loss, share, variety
from stylefuse.models.transfer.perceptual import perceptual_loss

MISMATCH_SHARE = 0.25  # of the fakes' loss, for real paintings with another painting's reference


def paint(generator, photograph, reference, mask, weight, fused):
    """Paint photographs in the styles of references.

    In a fused step the next photograph of the batch shows where `mask` is 0, and the next
    reference's style has the weight `1 − weight`.

    Returns:
        Pictures `[batch, height, width, 3]`, and the content maps that they were painted from.
    """
    content = generator.encode_content(photograph)
    code = generator.encode_style(reference)
    if fused:
        content = generator.mix_content(content, [_next(c) for c in content], mask)
        code = _mix(code, weight)
    return generator.decode(content, code), content


def discriminator_loss(generator, discriminator, settings, penalise, fused):
    """Real: a painting with another crop of itself as the reference. Fake: a photograph painted in
    the style of that crop, and a painting with another painting's crop; without the latter, the
    generator would not learn which texture belongs to which reference.

    Logistic loss (Goodfellow et al. 2014, eq. 1), with `penalise` plus R1 (Mescheder et al. 2018).
    """

    def loss_function(photograph, painting, reference, mask, weight, noise, draws, probability):
        augment = augmentation(settings, draws, probability)
        features = discriminator.features(reference)
        painting = augment(painting)
        maps = discriminator.maps(painting)
        real = discriminator.logits(maps, features)
        mismatched = discriminator.logits(maps, _next(features))
        painted, _ = paint(generator, photograph, reference, mask, weight, fused)
        painted = augment(ops.stop_gradient(painted))
        fake = discriminator(painted, _mix(features, weight) if fused else features)
        loss = logistic_loss(real) + (
            (1 - MISMATCH_SHARE) * logistic_loss(-fake)
            + MISMATCH_SHARE * logistic_loss(-mismatched)
        )
        total = loss
        if penalise:
            penalty = gradient_penalty(lambda x: discriminator(x, features), painting, real, noise)
            total = loss + 0.5 * settings.r1 * settings.r1_interval * penalty
        return total, (loss, share(real > 0), share(fake < 0))

    return loss_function


def generator_loss(generator, discriminator, settings, fused):
    """The sum of the adversarial loss (non-saturating), a content loss in the generator's own maps,
    the reconstruction of pictures painted in their own style, and, if the settings give it a
    weight, the perceptual loss.
    """

    def loss_function(photograph, painting, reference, mask, weight, noise, draws, probability):
        augment = augmentation(settings, draws, probability)
        painted, maps = paint(generator, photograph, reference, mask, weight, fused)
        features = ops.stop_gradient(discriminator.features(reference))
        features = _mix(features, weight) if fused else features
        adversarial = logistic_loss(discriminator(augment(painted), features))
        content = _distance(generator.encode_content(painted)[-1], ops.stop_gradient(maps[-1]))

        quarter = max(1, photograph.shape[0] // 4)
        originals = ops.concatenate([photograph[:quarter], painting[:quarter]])
        reconstruction = _distance(generator(originals, originals), originals)

        loss = adversarial + settings.reconstruction * reconstruction + settings.content * content
        perceptual = ops.zeros(())
        if settings.perceptual_content or settings.perceptual_style:
            vgg_content, vgg_style = perceptual_loss(
                painted, photograph, reference, mask, weight, settings.precision
            )
            perceptual = (
                settings.perceptual_content * vgg_content + settings.perceptual_style * vgg_style
            )
        return loss + perceptual, (
            adversarial, reconstruction, content, perceptual, variety(painted, painting),
        )  # fmt: skip

    return loss_function


def _next(x):
    """For each item of the batch, the next one; for the last, the first."""
    return ops.roll(x, 1, axis=0)


def _mix(codes, weight):
    return weight * codes + (1 - weight) * _next(codes)


def _distance(a, b):
    return ops.mean(ops.abs(a - b))
