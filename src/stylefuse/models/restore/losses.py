"""Losses of the restoration model's generator and discriminator."""

from keras import ops

from stylefuse.inference.degradation_kinds import FREQUENT
from stylefuse.models.augmentation import augmentation
from stylefuse.models.losses import gradient_penalty, logistic_loss, share, variety
from stylefuse.models.restore.networks import DETAIL_LABELS

ERROR_FLOOR = 1e-3  # mean squared error, about 36 dB, below which little can be gained
INTACT_WEIGHT = 0.2  # of pictures whose detail is intact, beside 1 for others


def discriminator_loss(generator, discriminator, settings, penalise, phase):
    """Real: a picture with undamaged detail, given its degraded version. Fake: a restored one,
    given the same.

    Logistic loss (Goodfellow et al. 2014, eq. 1), with `penalise` plus R1 (Mescheder et al. 2018).
    """

    def loss_function(
        degraded, features, labels, toned, row_features, row_labels, row_points, ramp,
        noise, draws, probability,
    ):  # fmt: skip
        augment = augmentation(settings, draws, probability)
        restored, _ = generator.restore_detail(degraded, features)
        restored = ops.stop_gradient(restored)
        degraded = augment(degraded)
        toned = augment(toned)
        real = discriminator(toned, degraded)
        fake = discriminator(augment(restored), degraded)
        loss = logistic_loss(real) + logistic_loss(-fake)
        total = loss
        if penalise:
            penalty = gradient_penalty(lambda x: discriminator(x, degraded), toned, real, noise)
            total = loss + 0.5 * settings.r1 * settings.r1_interval * penalty
        return total, (loss, share(real > 0), share(fake < 0))

    return loss_function


def generator_loss(generator, discriminator, settings, phase):
    """The PSNR loss (Chen et al. 2021, HINet, eq. 2) and, increasing with `ramp`, the adversarial
    loss (non-saturating).

    The PSNR loss weights relative errors alike, however strong the degradation. It compares
    restored detail with the picture in the degraded colours, so that errors of colours, which are
    larger, do not hide it. Pictures with intact detail weigh less: near an error of zero the
    logarithm is so steep that they would outweigh all others. The layers that work on features of
    whole pictures are also trained on rows of a `FeatureDataset`: to recognise the kinds of
    degradation (cross-entropy), and to restore the colours of single pixels.
    """

    def loss_function(
        degraded, features, labels, toned, row_features, row_labels, row_points, ramp,
        noise, draws, probability,
    ):  # fmt: skip
        augment = augmentation(settings, draws, probability)
        restored, logits = generator.restore_detail(degraded, features)
        damaged = ops.max(labels * DETAIL_LABELS, axis=1)
        weights = INTACT_WEIGHT + (1 - INTACT_WEIGHT) * damaged
        distance = ops.mean(weights * _log_errors(restored, toned))
        adversarial = logistic_loss(discriminator(augment(restored), augment(degraded)))

        _, colour_features = ops.split(row_features, 2)
        _, colour_labels = ops.split(row_labels, 2)
        all_features = ops.concatenate([features, row_features])
        logits = ops.concatenate([logits, generator.recognise(row_features)])
        labels = ops.concatenate([labels, row_labels])
        recognition = _cross_entropy(logits, labels[:, : len(FREQUENT)])
        recognition = recognition + detector_loss(generator, all_features, labels)
        colour = colour_loss(generator, colour_features, colour_labels, row_points)

        loss = distance + recognition + colour + settings.adversarial * ramp * adversarial
        return loss, (adversarial, distance, recognition, colour, variety(restored, toned))

    return loss_function


def detector_loss(generator, features, labels):
    """Cross-entropy of the detector, for the kinds and for any degraded detail.

    Args:
        generator: a `RestoreGenerator`.
        features: `[batch, FEATURE_COUNT]`.
        labels: `[batch, kinds]`.
    """
    detail = ops.max(labels * DETAIL_LABELS, axis=1, keepdims=True)
    return _cross_entropy(generator.detector(features), ops.concatenate([labels, detail], axis=1))


def colour_loss(generator, features, labels, points):
    """The PSNR loss of corrected colours, if the kinds of degradation are known.

    Args:
        generator: a `RestoreGenerator`.
        features: `[batch, FEATURE_COUNT]`.
        labels: `[batch, kinds]`.
        points: see `FeatureDataset`, `[batch, 2, points, 3]`.
    """
    corrected = generator.correct_colours(points[:, :1], features, labels)
    return ops.mean(_log_errors(corrected, points[:, 1:]))


def _cross_entropy(logits, labels):
    return ops.mean(ops.softplus(logits) - labels * logits)


def _log_errors(restored, clean):
    """Half the logarithm of the mean squared error of each picture, `[batch]`."""
    errors = ops.mean(ops.square(restored - clean), axis=(1, 2, 3))
    return ops.log(errors + ERROR_FLOOR) / 2
