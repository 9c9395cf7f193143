"""What generator and discriminator of the transfer model are trained for, in turn."""

from keras import ops

from stylefuse.config import Train

PENALTY_STEP = 0.01  # length of the finite difference, in picture units


def _mean_distance(a, b):
    return ops.mean(ops.abs(a - b))


def discriminator_objective(generator, discriminator, settings: Train, penalise: bool):
    """Real: a painting beside another crop of itself. Fake: a painted photograph beside the
    painting it was painted after; a photograph; another painting.

    Logistic loss (Goodfellow et al. 2014, eq. 1). With `penalise`, R1 (Mescheder et al. 2018,
    eq. 9) along random directions: E[((D(x + εn) − D(x)) / ε)²] = ‖∇D(x)‖² for n ~ N(0, I), which
    needs no second derivative.

    Returns:
        A function `(photograph, painting, reference, noise)` → `(loss, (loss, accuracy on real,
        accuracy on fake))`.
    """

    def objective(photograph, painting, reference, noise):
        code = generator.encode_style(reference)
        painted = generator.decode(photograph, generator.encode_content(photograph), code)
        features = discriminator.features(reference)
        count = photograph.shape[0]
        half = count // 2
        real = discriminator(painting, features)
        others = discriminator(
            ops.concatenate(
                [ops.stop_gradient(painted), photograph[:half], ops.roll(painting, 1, 0)[:half]]
            ),
            ops.concatenate([features, features[:half], features[:half]]),
        )
        fake, wrong = others[:count], others[count:]
        loss = ops.mean(ops.softplus(-real))
        loss += 0.5 * (ops.mean(ops.softplus(fake)) + ops.mean(ops.softplus(wrong)))
        total = loss
        if penalise:
            near = discriminator(painting + PENALTY_STEP * noise, features)
            rise = (ops.mean(near, (1, 2)) - ops.mean(real, (1, 2))) / PENALTY_STEP
            total = loss + 0.5 * settings.r1 * settings.r1_interval * ops.mean(ops.square(rise))
        return total, (loss, _share(real > 0), _share(fake < 0))

    return objective


def generator_objective(generator, discriminator, settings: Train):
    """Fool the discriminator (non-saturating), give pictures back under their own style, keep the
    content's maps and the style's code.

    Returns:
        A function `(photograph, painting, reference)` → `(loss, (adversarial, reconstruction,
        content, style))`.
    """

    def objective(photograph, painting, reference):
        maps = generator.encode_content(photograph)
        code = generator.encode_style(reference)
        painted = generator.decode(photograph, maps, code)
        features = ops.stop_gradient(discriminator.features(reference))
        adversarial = ops.mean(ops.softplus(-discriminator(painted, features)))

        quarter = max(1, photograph.shape[0] // 4)
        known = ops.concatenate([photograph[:quarter], painting[:quarter]])
        reconstruction = _mean_distance(generator(known, known), known)
        kept = generator.encode_content(painted)[-1]
        content = _mean_distance(kept, ops.stop_gradient(maps[-1]))
        style = _mean_distance(generator.encode_style(painted), ops.stop_gradient(code))

        loss = (
            adversarial
            + settings.reconstruction * reconstruction
            + settings.content * content
            + settings.style * style
        )
        return loss, (adversarial, reconstruction, content, style)

    return objective


def _share(truth):
    return ops.mean(ops.cast(truth, "float32"))
