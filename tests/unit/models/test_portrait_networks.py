"""Portrait networks: the harness, pictures that depend on their latents alone, and growing."""

import os
import subprocess
import sys
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from stylefuse.models.augmentation import DRAWS
from stylefuse.models.portrait import dcgan, networks
from stylefuse.models.portrait import losses as losses
from stylefuse.models.portrait import progressive as growing
from stylefuse.training.backend import gradient_step
from tests.support.layer_harness import check

LATENTS, PICTURES, LOGITS = (3, 8), (3, 64, 64, 3), (3,)
ARCHITECTURES = list(networks.ARCHITECTURES)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


@pytest.mark.parametrize(
    ("make", "shape", "output"),
    [
        (lambda: dcgan.BatchNorm(), (3, 4, 4, 5), (3, 4, 4, 5)),
        (lambda: networks.Residual(5), (3, 4, 4, 5), (3, 4, 4, 5)),
        (lambda: dcgan.DcganGenerator(8, 4), LATENTS, PICTURES),
        (lambda: dcgan.DcganDiscriminator(4), PICTURES, LOGITS),
        (lambda: networks.RegularGenerator(8, 4), LATENTS, PICTURES),
        (lambda: networks.RegularDiscriminator(4), PICTURES, LOGITS),
        (lambda: growing.GrowingGenerator(8, 4), LATENTS, PICTURES),
        (lambda: growing.GrowingDiscriminator(4), PICTURES, LOGITS),
    ],
)
def test_harness(make, shape, output, tmp_path):
    check(make, [shape], output, tmp_path)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_latent_gives_its_picture_whatever_is_beside_it(architecture):
    generator, _ = networks.build_networks(architecture, 8, 4, 4)
    if hasattr(generator, "settle"):
        generator.settle(normal(64, 8, seed=1))
    latents = normal(5, 8)
    together = np.asarray(generator(latents))
    alone = np.concatenate([np.asarray(generator(z[None])) for z in latents])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 0.01


@pytest.mark.parametrize(("architecture", "norms"), [("dcgan", 4), ("regular", 5)])
def test_settled_statistics_are_those_of_training(architecture, norms):
    generator = networks.build_generator(architecture, 8, 4)
    latents = normal(64, 8)
    trained = np.asarray(generator(latents, training=True))
    assert np.abs(np.asarray(generator(latents)) - trained).max() > 0.01
    generator.settle(latents)
    np.testing.assert_allclose(np.asarray(generator(latents)), trained, atol=1e-5)
    kept = generator.non_trainable_variables  # what an average must not leave stale
    assert len(kept) == 2 * norms


def test_a_residual_block_starts_as_its_straight_path():
    x = normal(2, 8, 8, 5)
    np.testing.assert_array_equal(np.asarray(networks.Residual(5)(x)), x)


@pytest.fixture(scope="module")
def grown():
    return networks.build_networks("progressive", 8, 4, 4)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_a_level_is_faded_in_over_the_one_below(grown, level):
    generator, discriminator = grown
    latents, pictures = normal(3, 8), normal(3, 64, 64, 3)
    below = np.asarray(generator(latents, level=level - 1))
    faded = [np.asarray(generator(latents, level=level, fade=f)) for f in (0.0, 0.5, 1.0)]
    np.testing.assert_array_equal(faded[0], below)
    np.testing.assert_allclose(faded[1], (faded[0] + faded[2]) / 2, atol=1e-6)

    old = generator.to_rgb[level - 1].kernel
    kept = np.array(old)
    old.assign(2 * kept)
    alone = np.asarray(generator(latents, level=level))
    old.assign(kept)
    np.testing.assert_array_equal(alone, faded[2])

    judged = np.asarray(discriminator(pictures, level=level, fade=0.0))
    coarse = np.asarray(discriminator(pictures, level=level - 1))
    np.testing.assert_allclose(judged, coarse, atol=1e-5)


def test_only_layers_up_to_a_level_take_part(grown):
    generator, discriminator = grown
    inputs = {generator: normal(3, 8), discriminator: normal(3, 64, 64, 3)}
    before = {net: np.asarray(net(x, level=1, fade=0.5)) for net, x in inputs.items()}
    for net in inputs:
        for weight in net.weights:
            if weight.path.rsplit("_", 1)[-1].split("/")[0] in ("32", "64"):
                weight.assign(np.full(weight.shape, np.nan))
        np.testing.assert_array_equal(np.asarray(net(inputs[net], level=1, fade=0.5)), before[net])
        assert np.isnan(np.asarray(net(inputs[net], level=2, fade=0.5))).any()


def test_real_pictures_are_shown_as_a_level_could_paint_them():
    pictures = normal(2, 64, 64, 3)
    coarse, between, fine = (np.asarray(growing.at_level(pictures, 2, f)) for f in (0.0, 0.5, 1.0))
    assert np.ptp(fine.reshape(2, 32, 2, 32, 2, 3), axis=(2, 4)).max() == 0
    np.testing.assert_allclose(coarse, np.asarray(growing.at_level(pictures, 1, 1.0)), atol=1e-6)
    np.testing.assert_allclose(between, (coarse + fine) / 2, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(growing.at_level(pictures, 3, 1.0)), pictures)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_objectives_train_every_variable_that_they_use(architecture):
    generator, discriminator = networks.build_networks(architecture, 8, 4, 4)
    settings = SimpleNamespace(architecture=architecture, r1=0.1, r1_interval=4, augment_target=0.7)
    d_objective = losses.discriminator_loss(
        generator, discriminator, settings, penalise=True, level=growing.LAST
    )
    g_objective = losses.generator_loss(generator, discriminator, settings, level=growing.LAST)
    batch = (
        normal(4, 64, 64, 3), normal(4, 8), normal(4, 8, seed=1), normal(4, 64, 64, 3, seed=1),
        np.random.default_rng(0).random((4, DRAWS)).astype("float32"),
        np.asarray(0.5, "float32"), np.asarray(0.5, "float32"),
    )  # fmt: skip
    reports = []
    for loss_function, net, other in (
        (d_objective, discriminator, generator), (g_objective, generator, discriminator),
    ):  # fmt: skip
        optimizer = keras.optimizers.SGD(0.1)
        optimizer.build(net.trainable_variables)
        before = [np.array(v) for v in net.trainable_variables]
        step = gradient_step(loss_function, net.trainable_variables, optimizer, other.variables)
        for _ in range(2):  # what follows a block's zeros learns from the second step on
            reports.append([float(value) for value in step(*batch)])
        idle = {
            v.path for v, old in zip(net.trainable_variables, before, strict=True)
            if np.array_equal(np.asarray(v), old)
        }  # fmt: skip
        coarse = {path for path in idle if "rgb_8" in path or "rgb_16" in path}
        assert idle - coarse <= {"discriminator/real/bias"}  # pairs leave it open
    assert [len(report) for report in reports] == [3, 3, 2, 2]
    assert np.isfinite(np.concatenate(reports)).all()


CROSS = """
import sys
import numpy as np
from stylefuse.models.portrait.networks import ARCHITECTURES, build_networks
from stylefuse.training.backend import compile_loss
latents = np.random.default_rng(0).standard_normal((3, 8)).astype("float32")
answers = {}
for name in ARCHITECTURES:
    generator, discriminator = nets = build_networks(name, 8, 4, 4)
    for net in nets:
        file = f"{sys.argv[1]}/{name}_{net.name}.weights.h5"
        net.save_weights(file) if sys.argv[2] == "save" else net.load_weights(file)
    grown = {"level": 2, "fade": 0.3} if name == "progressive" else {}
    def judged(latents):
        pictures = generator(latents, **grown)
        return None, (pictures, discriminator(pictures, **grown))
    run = compile_loss(judged, [v for net in nets for v in net.variables])
    answers[name], answers[name + "_logits"] = map(np.asarray, run(latents))
np.savez(sys.argv[3], **answers)
"""


def test_backends_agree(tmp_path):
    answers = []
    for backend, task in (("tensorflow", "save"), ("jax", "load")):
        out = tmp_path / f"{backend}.npz"
        subprocess.run(
            [sys.executable, "-c", CROSS, str(tmp_path), task, str(out)],
            env={**os.environ, "KERAS_BACKEND": backend}, check=True,
        )  # fmt: skip
        answers.append(np.load(out))
    for name in answers[0]:
        np.testing.assert_allclose(answers[0][name], answers[1][name], atol=1e-4, err_msg=name)
