"""What generator and discriminator of the transfer model are trained for, in turn."""

from keras import ops

from stylefuse.config import Train

OTHERS = 0.25  # share of the fakes' weight that goes to paintings beside another one's crop
PENALTY_STEP = 0.01  # length of the finite difference, in picture units


def discriminator_objective(generator, discriminator, settings: Train, penalise: bool):
    """Real: a painting beside another crop of itself. Fake: a photograph painted after that crop,
    and another painting: or nothing would tell the generator which texture belongs to which.

    Logistic loss (Goodfellow et al. 2014, eq. 1). With `penalise`, R1 (Mescheder et al. 2018,
    eq. 9) along random directions: E[((D(x + εn) − D(x)) / ε)²] = ‖∇D(x)‖² for n ~ N(0, I), which
    needs no second derivative.

    Returns:
        A function `(photograph, painting, reference, noise)` → `(loss, (loss, accuracy on real,
        accuracy on fake))`.
    """

    def objective(photograph, painting, reference, noise):
        features = discriminator.features(reference)
        maps = discriminator.maps(painting)
        real = discriminator.judge(maps, features)
        other = discriminator.judge(maps, ops.roll(features, 1, axis=0))
        fake = discriminator(ops.stop_gradient(generator(photograph, reference)), features)
        loss = ops.mean(ops.softplus(-real))
        loss += (1 - OTHERS) * ops.mean(ops.softplus(fake)) + OTHERS * ops.mean(ops.softplus(other))
        total = loss
        if penalise:
            near = discriminator(painting + PENALTY_STEP * noise, features)
            rise = (ops.mean(near, (1, 2)) - ops.mean(real, (1, 2))) / PENALTY_STEP
            total = loss + 0.5 * settings.r1 * settings.r1_interval * ops.mean(ops.square(rise))
        return total, (loss, _share(real > 0), _share(fake < 0))

    return objective


def generator_objective(generator, discriminator, settings: Train):
    """Fool the discriminator (non-saturating), keep the photograph's content maps, and give
    pictures back under their own style.

    Returns:
        A function `(photograph, painting, reference)` → `(loss, (adversarial, reconstruction,
        content))`.
    """

    def objective(photograph, painting, reference):
        maps = generator.encode_content(photograph)
        painted = generator.decode(photograph, maps, generator.encode_style(reference))
        features = ops.stop_gradient(discriminator.features(reference))
        adversarial = ops.mean(ops.softplus(-discriminator(painted, features)))

        kept = generator.encode_content(painted)[-1]
        content = _mean_distance(kept, ops.stop_gradient(maps[-1]))

        quarter = max(1, photograph.shape[0] // 4)
        known = ops.concatenate([photograph[:quarter], painting[:quarter]])
        reconstruction = _mean_distance(generator(known, known), known)

        loss = adversarial
        loss += settings.reconstruction * reconstruction + settings.content * content
        return loss, (adversarial, reconstruction, content)

    return objective


def _mean_distance(a, b):
    return ops.mean(ops.abs(a - b))


def _share(truth):
    return ops.mean(ops.cast(truth, "float32"))
