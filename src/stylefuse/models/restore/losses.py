"""Losses of the restoration model's generator and discriminator."""

from keras import ops

from stylefuse.models.augmentation import augmentation
from stylefuse.models.losses import gradient_penalty, logistic_loss, share, variety

ERROR_FLOOR = 1e-3  # mean squared error, about 36 dB, below which little can be gained


def discriminator_loss(generator, discriminator, settings, penalise, phase):
    """Real: a clean picture, given its degraded version. Fake: a restored one, given the same.

    Logistic loss (Goodfellow et al. 2014, eq. 1), with `penalise` plus R1 (Mescheder et al. 2018).
    """

    def loss_function(
        degraded, features, clean, row_features, row_labels, row_points, ramp, noise, draws,
        probability,
    ):  # fmt: skip
        augment = augmentation(settings, draws, probability)
        restored = ops.stop_gradient(generator(degraded, features))
        degraded = augment(degraded)
        clean = augment(clean)
        real = discriminator(clean, degraded)
        fake = discriminator(augment(restored), degraded)
        loss = logistic_loss(real) + logistic_loss(-fake)
        total = loss
        if penalise:
            penalty = gradient_penalty(lambda x: discriminator(x, degraded), clean, real, noise)
            total = loss + 0.5 * settings.r1 * settings.r1_interval * penalty
        return total, (loss, share(real > 0), share(fake < 0))

    return loss_function


def generator_loss(generator, discriminator, settings, phase):
    """The PSNR loss (Chen et al. 2021, HINet, eq. 2) and, increasing with `ramp`, the adversarial
    loss (non-saturating).

    The PSNR loss weights relative errors alike, however strong the degradation. The layers that
    work on features of whole pictures are also trained on rows of a `FeatureDataset`: to recognise
    the kinds of degradation (cross-entropy), and to restore the colours of single pixels.
    """

    def loss_function(
        degraded, features, clean, row_features, row_labels, row_points, ramp, noise, draws,
        probability,
    ):  # fmt: skip
        augment = augmentation(settings, draws, probability)
        restored = generator(degraded, features)
        distance = _log_error(restored, clean)
        adversarial = logistic_loss(discriminator(augment(restored), augment(degraded)))

        random_features, colour_features = ops.split(row_features, 2)
        random_labels, colour_labels = ops.split(row_labels, 2)
        logits = generator.recognise(random_features)
        recognition = ops.mean(ops.softplus(logits) - random_labels * logits)  # cross-entropy
        faded, vivid = row_points[:, :1], row_points[:, 1:]
        corrected = generator.correct_colours(faded, colour_features, colour_labels)
        colour = _log_error(corrected, vivid)

        loss = distance + recognition + colour + settings.adversarial * ramp * adversarial
        return loss, (adversarial, distance, recognition, colour, variety(restored, clean))

    return loss_function


def _log_error(restored, clean):
    """Half the mean logarithm of the mean squared error of each picture."""
    errors = ops.mean(ops.square(restored - clean), axis=(1, 2, 3))
    return ops.mean(ops.log(errors + ERROR_FLOOR)) / 2
