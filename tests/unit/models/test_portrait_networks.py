"""Portrait networks: shapes, independence of the batch, and progressive growing."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from stylefuse.models.augmentation import DRAWS
from stylefuse.models.portrait import losses
from stylefuse.models.portrait.dcgan import DcganDiscriminator, DcganGenerator
from stylefuse.models.portrait.networks import (
    ARCHITECTURES,
    build_discriminator,
    build_generator,
)
from stylefuse.models.portrait.progressive import (
    LAST_LEVEL,
    ProgressiveDiscriminator,
    ProgressiveGenerator,
    at_level,
)
from stylefuse.models.portrait.regularized import RegularDiscriminator, RegularGenerator
from stylefuse.training.backend import gradient_step
from tests.support.layer_harness import check_layer

LATENTS, PICTURES, LOGITS = (3, 8), (3, 64, 64, 3), (3,)


def build(architecture):
    """A small generator and discriminator."""
    settings = SimpleNamespace(architecture=architecture, discriminator_width=4)
    return build_generator(architecture, 8, 4), build_discriminator(settings)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


@pytest.mark.parametrize(
    ("make", "shape", "output"),
    [
        (lambda: DcganGenerator(8, 4), LATENTS, PICTURES),
        (lambda: DcganDiscriminator(4), PICTURES, LOGITS),
        (lambda: RegularGenerator(8, 4), LATENTS, PICTURES),
        (lambda: RegularDiscriminator(4), PICTURES, LOGITS),
        (lambda: ProgressiveGenerator(8, 4), LATENTS, PICTURES),
        (lambda: ProgressiveDiscriminator(4), PICTURES, LOGITS),
    ],
)
def test_a_network_has_its_shape_and_can_be_saved(make, shape, output, tmp_path):
    check_layer(make, [shape], output, tmp_path)


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
def test_a_picture_does_not_depend_on_the_others_in_its_batch(architecture):
    keras.utils.set_random_seed(0)
    generator = build_generator(architecture, 8, 4)
    if hasattr(generator, "calibrate_batch_norm"):
        generator.calibrate_batch_norm(normal(64, 8, seed=1))
    latents = normal(5, 8)
    together = np.asarray(generator(latents))
    alone = np.concatenate([np.asarray(generator(z[None])) for z in latents])
    difference = np.abs(together[0] - together[1]).max()
    assert difference > 0.01
    np.testing.assert_allclose(together, alone, atol=1e-4 * difference)  # rounding


@pytest.mark.parametrize(("architecture", "norms"), [("dcgan", 4), ("regular", 5)])
def test_calibrated_statistics_are_those_of_training(architecture, norms):
    generator = build_generator(architecture, 8, 4)
    latents = normal(64, 8)
    trained = np.asarray(generator(latents, training=True))
    assert np.abs(np.asarray(generator(latents)) - trained).max() > 0.01
    generator.calibrate_batch_norm(latents)
    np.testing.assert_allclose(np.asarray(generator(latents)), trained, atol=1e-5)
    assert len(generator.non_trainable_variables) == 2 * norms


@pytest.fixture(scope="module")
def networks():
    return build("progressive")


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_level_is_faded_in_over_the_one_below(networks, level):
    generator, discriminator = networks
    latents, pictures = normal(3, 8), normal(3, 64, 64, 3)
    below = np.asarray(generator(latents, level=level - 1))
    faded = [np.asarray(generator(latents, level=level, fade=f)) for f in (0.0, 0.5, 1.0)]
    np.testing.assert_array_equal(faded[0], below)
    np.testing.assert_allclose(faded[1], (faded[0] + faded[2]) / 2, atol=1e-6)

    kernel = generator.to_rgb[level - 1].kernel
    value = np.array(kernel)
    kernel.assign(2 * value)
    without_below = np.asarray(generator(latents, level=level))
    kernel.assign(value)
    np.testing.assert_array_equal(without_below, faded[2])

    logits = np.asarray(discriminator(pictures, level=level, fade=0.0))
    logits_below = np.asarray(discriminator(pictures, level=level - 1))
    np.testing.assert_allclose(logits, logits_below, atol=1e-5)


def test_only_layers_up_to_the_level_are_used(networks):
    generator, discriminator = networks
    inputs = {generator: normal(3, 8), discriminator: normal(3, 64, 64, 3)}
    before = {net: np.asarray(net(x, level=1, fade=0.5)) for net, x in inputs.items()}
    for net in inputs:
        for weight in net.weights:
            if weight.path.rsplit("_", 1)[-1].split("/")[0] in ("32", "64"):
                weight.assign(np.full(weight.shape, np.nan))
        np.testing.assert_array_equal(np.asarray(net(inputs[net], level=1, fade=0.5)), before[net])
        assert np.isnan(np.asarray(net(inputs[net], level=2, fade=0.5))).any()


def test_real_pictures_are_reduced_to_the_resolution_of_a_level():
    pictures = normal(2, 64, 64, 3)
    coarse, between, fine = (np.asarray(at_level(pictures, 2, f)) for f in (0.0, 0.5, 1.0))
    assert np.ptp(fine.reshape(2, 32, 2, 32, 2, 3), axis=(2, 4)).max() == 0
    np.testing.assert_allclose(coarse, np.asarray(at_level(pictures, 1, 1.0)), atol=1e-6)
    np.testing.assert_allclose(between, (coarse + fine) / 2, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(at_level(pictures, 3, 1.0)), pictures)


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
def test_losses_train_every_variable_that_they_use(architecture):
    generator, discriminator = build(architecture)
    settings = SimpleNamespace(architecture=architecture, r1=0.1, r1_interval=4, augment_target=0.7)
    discriminator_loss = losses.discriminator_loss(
        generator, discriminator, settings, penalise=True, level=LAST_LEVEL
    )
    generator_loss = losses.generator_loss(generator, discriminator, settings, level=LAST_LEVEL)
    batch = (
        normal(4, 64, 64, 3), normal(4, 8), normal(4, 8, seed=1), normal(4, 64, 64, 3, seed=1),
        np.random.default_rng(0).random((4, DRAWS)).astype("float32"),
        np.asarray(0.5, "float32"), np.asarray(0.5, "float32"),
    )  # fmt: skip
    reports = []
    for loss_function, net in (
        (discriminator_loss, discriminator),
        (generator_loss, generator),
    ):
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build(net.trainable_variables)
        before = [np.array(v) for v in net.trainable_variables]
        step = gradient_step(loss_function, net.trainable_variables, optimizer)
        for _ in range(2):  # convolutions after a kernel of zeros learn from the second step on
            reports.append([float(value) for value in step(*batch)])
        unchanged = {
            v.path for v, old in zip(net.trainable_variables, before, strict=True)
            if np.array_equal(np.asarray(v), old)
        }  # fmt: skip
        coarse = {path for path in unchanged if "rgb_8" in path or "rgb_16" in path}
        # the relativistic loss does not depend on this bias
        assert unchanged - coarse <= {"discriminator/real/bias"}
    assert [len(report) for report in reports] == [3, 3, 2, 2]
    assert np.isfinite(np.concatenate(reports)).all()
