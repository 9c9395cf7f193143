"""Loss terms at inputs for which their values are known."""

import keras
import numpy as np
import pytest

from stylefuse.models import losses


def test_logistic_loss_is_cross_entropy():
    margins = np.array([-3.0, 0.0, 2.0], "float32")
    expected = -np.log(1 / (1 + np.exp(-margins))).mean()
    np.testing.assert_allclose(float(losses.logistic_loss(margins)), expected, rtol=1e-6)


def test_share_of_true_elements():
    assert float(losses.share(np.array([True, False, True, True]))) == 0.75


def test_gradient_penalty_is_the_squared_gradient():
    """The gradient of a linear discriminator is its weights."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((8, 8, 3)).astype("float32")
    pictures, noise = rng.standard_normal((2, 4096, 8, 8, 3)).astype("float32")

    def discriminator(x):
        return keras.ops.sum(x * weights, axis=(1, 2, 3))

    penalty = float(
        losses.gradient_penalty(discriminator, pictures, discriminator(pictures), noise)
    )
    np.testing.assert_allclose(penalty, np.sum(weights**2), rtol=0.1)  # 4 standard errors


def test_variety_is_relative_to_real_pictures_and_0_after_mode_collapse():
    real = np.random.default_rng(0).uniform(-1, 1, (8, 16, 16, 3)).astype("float32")
    collapsed = np.broadcast_to(real[:1], real.shape)
    assert float(losses.variety(real / 2, real)) == pytest.approx(0.5, rel=1e-4)
    assert float(losses.variety(collapsed, real)) == pytest.approx(0, abs=1e-6)
