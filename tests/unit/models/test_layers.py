"""Layers: shapes, saving, and the properties that networks rely on."""

import numpy as np
import pytest

from stylefuse.models.layers.colour import from_opponent, to_opponent
from stylefuse.models.layers.convolution import EqualConv2D, EqualDense
from stylefuse.models.layers.normalization import AdaptiveInstanceNorm, BatchNorm, instance_norm
from stylefuse.models.layers.resampling import box_blur, downsample, upsample
from stylefuse.models.layers.residual import Residual, StyledResidual
from tests.support.layer_harness import check_layer

MAP, CODE, CODES = (2, 8, 12, 4), (2, 10), (2, 3, 10)
REGIONS = (2, 8, 12, 3)


@pytest.mark.parametrize(
    ("make", "shapes", "output"),
    [
        (lambda: EqualConv2D(5), [MAP], (2, 8, 12, 5)),
        (lambda: EqualConv2D(5, 4, 2), [MAP], (2, 4, 6, 5)),
        (lambda: EqualConv2D(5, 4, 2, padding="same"), [MAP], (2, 4, 6, 5)),
        (lambda: EqualConv2D(5, 1), [MAP], (2, 8, 12, 5)),
        (lambda: EqualDense(7), [CODE], (2, 7)),
        (lambda: BatchNorm(), [MAP], MAP),
        (lambda: AdaptiveInstanceNorm(), [MAP, CODE], MAP),
        (lambda: AdaptiveInstanceNorm(), [MAP, CODES, REGIONS], MAP),
        (lambda: Residual(4), [MAP], MAP),
        (lambda: StyledResidual(4), [MAP, CODE], MAP),
        (lambda: StyledResidual(4), [MAP, CODES, REGIONS], MAP),
    ],
)
def test_a_layer_has_its_shape_and_can_be_saved(make, shapes, output, tmp_path):
    check_layer(make, shapes, output, tmp_path)


def uniform(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def test_equal_convolution_keeps_the_variance():
    x = np.random.default_rng(0).standard_normal((4, 32, 32, 64)).astype("float32")
    y = np.asarray(EqualConv2D(64, gain=1.0)(x))
    assert 0.9 < y.std() < 1.1


def test_instance_norm_removes_mean_and_contrast():
    x = uniform(2, 16, 16, 3)
    normalised, same = (np.asarray(instance_norm(v)) for v in (x, 0.5 * x + 0.25))
    np.testing.assert_allclose(normalised, same, atol=0.05)
    np.testing.assert_allclose(normalised.mean((1, 2)), 0, atol=1e-5)


def test_a_residual_block_starts_as_the_identity():
    x = uniform(2, 8, 8, 5)
    np.testing.assert_array_equal(np.asarray(Residual(5)(x)), x)


def test_opponent_colours_are_a_rotation():
    picture = uniform(1, 4, 4, 3)
    opponent = to_opponent(picture)
    np.testing.assert_allclose(np.linalg.norm(opponent), np.linalg.norm(picture), rtol=1e-5)
    np.testing.assert_allclose(np.asarray(from_opponent(opponent)), picture, atol=1e-6)
    grey = np.asarray(to_opponent(np.full((1, 1, 1, 3), 0.5, "float32")))
    np.testing.assert_allclose(grey[0, 0, 0], [0.5 * 3**0.5, 0, 0], atol=1e-6)


def test_blurring_keeps_linear_gradients():
    across = np.linspace(-1, 1, 32, dtype="float32")[None, None, :, None]
    ramp = np.broadcast_to(across, (1, 32, 32, 3))
    blurred = np.asarray(box_blur(ramp))
    np.testing.assert_allclose(blurred[:, :, 4:-4], ramp[:, :, 4:-4], atol=1e-6)


def test_downsampling_averages_and_undoes_upsampling():
    x = uniform(1, 4, 6, 2)
    np.testing.assert_allclose(
        np.asarray(downsample(x, 2)), x.reshape(1, 2, 2, 3, 2, 2).mean((2, 4)), atol=1e-6
    )
    np.testing.assert_allclose(np.asarray(downsample(upsample(x), 2)), x, atol=1e-6)
