"""Augmentation: the identity at probability 0, each transform as drawn, and its gradients."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from stylefuse.models.augmentation import (
    DRAWS,
    MAX_PROBABILITY,
    TRANSFORMS,
    adapt,
    augment,
    augmentation,
)

MIRROR, ACROSS, DOWN, SCALE, BRIGHTNESS, CONTRAST, SATURATION = range(TRANSFORMS)


def pictures(batch=4, side=64):
    return np.random.default_rng(0).uniform(-1, 1, (batch, side, side, 3)).astype("float32")


def draws_of(transform, amount, batch=4):
    """Draws that apply one transform, by an amount in −1…1."""
    draws = np.ones((batch, DRAWS), "float32")
    draws[:, transform] = 0
    draws[:, TRANSFORMS + transform] = (amount + 1) / 2
    return draws


def transformed(x, transform, amount):
    return np.asarray(augment(x, draws_of(transform, amount, len(x)), 0.5))


@pytest.mark.parametrize("side", [16, 64, 256])
def test_probability_0_changes_nothing_and_1_changes_everything(side):
    x = pictures(2, side)
    draws = np.random.default_rng(1).random((2, DRAWS)).astype("float32")
    np.testing.assert_array_equal(np.asarray(augment(x, draws, 0.0)), x)
    always = np.asarray(augment(x, draws, 1.0))
    assert always.shape == x.shape
    assert (np.abs(always - x).mean((1, 2, 3)) > 0.05).all()


def test_pictures_are_mirrored_and_shifted_by_whole_pixels():
    x = pictures()
    np.testing.assert_array_equal(transformed(x, MIRROR, 0.5), x[:, :, ::-1])
    np.testing.assert_array_equal(transformed(x, MIRROR, -0.5), x)
    mirrored = np.pad(x, [(0, 0), (8, 8), (8, 8), (0, 0)], mode="reflect")
    np.testing.assert_array_equal(transformed(x, ACROSS, 1), mirrored[:, 8:72, :64])
    np.testing.assert_array_equal(transformed(x, DOWN, -1), mirrored[:, 16:, 8:72])


def test_pictures_are_scaled_about_their_middle():
    across = np.linspace(-1, 1, 64, dtype="float32")
    ramp = np.broadcast_to(across[None, None, :, None], (1, 64, 64, 3))
    larger = transformed(ramp, SCALE, 1)
    np.testing.assert_allclose(larger, ramp * np.exp(-0.15), atol=1e-5)
    assert np.abs(transformed(ramp, SCALE, -1)).max() <= 1 + 1e-6


def test_brightness_contrast_and_saturation():
    x = pictures()
    np.testing.assert_allclose(transformed(x, BRIGHTNESS, 1), x + 0.2, atol=1e-6)
    mean = x.mean((1, 2, 3))
    flat = transformed(x, CONTRAST, -1)
    np.testing.assert_allclose(flat.mean((1, 2, 3)), mean, atol=1e-5)
    np.testing.assert_allclose(flat.std((1, 2, 3)), 0.75 * x.std((1, 2, 3)), rtol=1e-4)
    grey = np.repeat(x.mean(3, keepdims=True), 3, axis=3)
    np.testing.assert_allclose(transformed(x, SATURATION, 1), 1.5 * x - 0.5 * grey, atol=1e-5)
    np.testing.assert_allclose(transformed(grey, SATURATION, 1), grey, atol=1e-6)


def test_each_picture_has_its_own_transforms():
    x = pictures()
    draws = np.random.default_rng(1).random((4, DRAWS)).astype("float32")
    together = np.asarray(augment(x, draws, 0.6))
    alone = [np.asarray(augment(x[i : i + 1], draws[i : i + 1], 0.6))[0] for i in range(4)]
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize(
    ("before", "accuracy", "after"),
    [(0.2, 0.9, 0.21), (0.2, 0.7, 0.19), (0.0, 0.7, 0.0), (MAX_PROBABILITY, 0.9, MAX_PROBABILITY)],
)
def test_the_probability_follows_the_accuracy(before, accuracy, after):
    assert float(adapt(before, accuracy, 0.8, pictures=16, span=1600)) == pytest.approx(after)


def test_augmentation_can_be_turned_off():
    x = pictures()
    draws = np.random.default_rng(1).random((4, DRAWS)).astype("float32")
    off, on = (augmentation(SimpleNamespace(augment_target=t), draws, 0.5) for t in (0, 0.7))
    assert off(x) is x
    np.testing.assert_array_equal(np.asarray(on(x)), np.asarray(augment(x, draws, 0.5)))


def test_gradients_pass_through():
    """Optimising a picture until its augmentation matches that of a target recovers the target."""
    from stylefuse.training.backend import gradient_step

    target = pictures(2, 16)
    picture = keras.Variable(np.zeros_like(target))
    draws = np.random.default_rng(1).random((2, DRAWS)).astype("float32")
    augmented = augment(target, draws, 0.5)

    def loss_function():
        distance = keras.ops.mean(keras.ops.square(augment(picture, draws, 0.5) - augmented))
        return distance, (distance,)

    optimizer = keras.optimizers.Adam(0.05)
    optimizer.build([picture])
    step = gradient_step(loss_function, [picture], optimizer)
    distances = [float(step()[0]) for _ in range(60)]
    assert distances[-1] < 0.05 * distances[0]
