"""Augmentation: nothing at probability 0, every change as drawn, and gradients come through."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from stylefuse.models.augmentation import CHANGES, DRAWS, MOST, adapt, augment, augmentation

MIRROR, ACROSS, DOWN, SIZE, LIGHT, CONTRAST, SATURATION = range(CHANGES)


def pictures(batch=4, side=64):
    return np.random.default_rng(0).uniform(-1, 1, (batch, side, side, 3)).astype("float32")


def only(change, amount, batch=4):
    """Draws that make one change, by an amount in −1…1."""
    draws = np.ones((batch, DRAWS), "float32")
    draws[:, change] = 0
    draws[:, CHANGES + change] = (amount + 1) / 2
    return draws


def changed(x, change, amount):
    return np.asarray(augment(x, only(change, amount, len(x)), 0.5))


@pytest.mark.parametrize("side", [16, 64, 256])
def test_probability_decides(side):
    x = pictures(2, side)
    draws = np.random.default_rng(1).random((2, DRAWS)).astype("float32")
    np.testing.assert_array_equal(np.asarray(augment(x, draws, 0.0)), x)
    always = np.asarray(augment(x, draws, 1.0))
    assert always.shape == x.shape
    assert (np.abs(always - x).mean((1, 2, 3)) > 0.05).all()


def test_pictures_are_moved_and_mirrored_by_whole_pixels():
    x = pictures()
    np.testing.assert_array_equal(changed(x, MIRROR, 0.5), x[:, :, ::-1])
    np.testing.assert_array_equal(changed(x, MIRROR, -0.5), x)
    mirrored = np.pad(x, [(0, 0), (8, 8), (8, 8), (0, 0)], mode="reflect")
    np.testing.assert_array_equal(changed(x, ACROSS, 1), mirrored[:, 8:72, :64])
    np.testing.assert_array_equal(changed(x, DOWN, -1), mirrored[:, 16:, 8:72])


def test_size_is_about_the_middle():
    across = np.linspace(-1, 1, 64, dtype="float32")
    ramp = np.broadcast_to(across[None, None, :, None], (1, 64, 64, 3))
    larger = changed(ramp, SIZE, 1)
    np.testing.assert_allclose(larger, ramp * np.exp(-0.15), atol=1e-5)
    assert np.abs(changed(ramp, SIZE, -1)).max() <= 1 + 1e-6


def test_colour_changes_are_what_they_are_called():
    x = pictures()
    np.testing.assert_allclose(changed(x, LIGHT, 1), x + 0.2, atol=1e-6)
    mean = x.mean((1, 2, 3))
    flat = changed(x, CONTRAST, -1)
    np.testing.assert_allclose(flat.mean((1, 2, 3)), mean, atol=1e-5)
    np.testing.assert_allclose(flat.std((1, 2, 3)), 0.75 * x.std((1, 2, 3)), rtol=1e-4)
    grey = np.repeat(x.mean(3, keepdims=True), 3, axis=3)
    np.testing.assert_allclose(changed(x, SATURATION, 1), 1.5 * x - 0.5 * grey, atol=1e-5)
    np.testing.assert_allclose(changed(grey, SATURATION, 1), grey, atol=1e-6)


def test_pictures_are_changed_each_on_its_own():
    x = pictures()
    draws = np.random.default_rng(1).random((4, DRAWS)).astype("float32")
    together = np.asarray(augment(x, draws, 0.6))
    alone = [np.asarray(augment(x[i : i + 1], draws[i : i + 1], 0.6))[0] for i in range(4)]
    np.testing.assert_allclose(together, alone, atol=1e-6)


@pytest.mark.parametrize(
    ("before", "accuracy", "after"),
    [(0.2, 0.9, 0.21), (0.2, 0.7, 0.19), (0.0, 0.7, 0.0), (MOST, 0.9, MOST)],
)
def test_the_probability_follows_the_accuracy(before, accuracy, after):
    assert float(adapt(before, accuracy, 0.8, pictures=16, span=1600)) == pytest.approx(after)


def test_augmentation_can_be_turned_off():
    x = pictures()
    draws = np.random.default_rng(1).random((4, DRAWS)).astype("float32")
    off, on = (augmentation(SimpleNamespace(augment_target=t), draws, 0.5) for t in (0, 0.7))
    assert off(x) is x
    np.testing.assert_array_equal(np.asarray(on(x)), np.asarray(augment(x, draws, 0.5)))


def test_gradients_come_through():
    """The picture is a variable here, found again from what augmentation makes of it."""
    from stylefuse.training.backend import gradient_step

    target = pictures(2, 16)
    picture = keras.Variable(np.zeros_like(target))
    draws = np.random.default_rng(1).random((2, DRAWS)).astype("float32")
    wanted = augment(target, draws, 0.5)

    def loss_function():
        distance = keras.ops.mean(keras.ops.square(augment(picture, draws, 0.5) - wanted))
        return distance, (distance,)

    optimizer = keras.optimizers.Adam(0.05)
    optimizer.build([picture])
    step = gradient_step(loss_function, [picture], optimizer, [])
    distances = [float(step()[0]) for _ in range(60)]
    assert distances[-1] < 0.05 * distances[0]
