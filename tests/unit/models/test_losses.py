"""Losses: their values at known margins, and a penalty that is the gradient's squared length."""

import keras
import numpy as np

from stylefuse.models import losses


def test_logistic_loss_is_cross_entropy():
    margins = np.array([-3.0, 0.0, 2.0], "float32")
    expected = -np.log(1 / (1 + np.exp(-margins))).mean()
    np.testing.assert_allclose(float(losses.logistic_loss(margins)), expected, rtol=1e-6)


def test_a_share_counts_what_holds():
    assert float(losses.share(np.array([True, False, True, True]))) == 0.75


def test_the_penalty_is_the_squared_gradient():
    """Of a linear discriminator, whose gradient is its weights, at every length of the step."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((8, 8, 3)).astype("float32")
    pictures, noise = rng.standard_normal((2, 4096, 8, 8, 3)).astype("float32")

    def judge(x):
        return keras.ops.sum(x * weights, axis=(1, 2, 3))

    penalty = float(losses.gradient_penalty(judge, pictures, judge(pictures), noise))
    np.testing.assert_allclose(penalty, np.sum(weights**2), rtol=0.1)  # 4 standard errors
