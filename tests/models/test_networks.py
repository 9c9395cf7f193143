"""Layers and networks: the harness, and what each promises beyond it."""

import numpy as np
import pytest

from stylefuse.models import layers
from stylefuse.models.transfer import PairDiscriminator, TransferGenerator, build_generator
from tests.models.harness import check

MAP, CODE = (2, 8, 12, 4), (2, 10)


@pytest.mark.parametrize(
    ("make", "shapes", "output"),
    [
        (lambda: layers.EqualConv2D(5), [MAP], (2, 8, 12, 5)),
        (lambda: layers.EqualConv2D(5, 4, 2), [MAP], (2, 4, 6, 5)),
        (lambda: layers.EqualConv2D(5, 4, 2, padding="same"), [MAP], (2, 4, 6, 5)),
        (lambda: layers.EqualConv2D(5, 1), [MAP], (2, 8, 12, 5)),
        (lambda: layers.EqualDense(7), [CODE], (2, 7)),
        (lambda: layers.AdaptiveInstanceNorm(), [MAP, CODE], MAP),
        (lambda: layers.StyledResidual(4), [MAP, CODE], MAP),
        (lambda: TransferGenerator(4, 1, 8), [(2, 32, 48, 3), (2, 40, 40, 3)], (2, 32, 48, 3)),
        (lambda: PairDiscriminator(4), [(2, 32, 48, 3), (2, 16)], (2, 4, 6)),
    ],
)
def test_harness(make, shapes, output, tmp_path):
    check(make, shapes, output, tmp_path)


def test_equal_convolution_keeps_the_variance():
    x = np.random.default_rng(0).standard_normal((4, 32, 32, 64)).astype("float32")
    y = np.asarray(layers.EqualConv2D(64, gain=1.0)(x))
    assert 0.9 < y.std() < 1.1


def test_instance_norm_forgets_mean_and_contrast():
    x = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 3)).astype("float32")
    one, other = (np.asarray(layers.instance_norm(v)) for v in (x, 0.5 * x + 0.25))
    np.testing.assert_allclose(one, other, atol=0.05)
    np.testing.assert_allclose(one.mean((1, 2)), 0, atol=1e-5)


def test_opponent_colours_are_a_rotation():
    picture = np.random.default_rng(0).uniform(-1, 1, (1, 4, 4, 3)).astype("float32")
    turned = layers.to_opponent(picture)
    np.testing.assert_allclose(np.linalg.norm(turned), np.linalg.norm(picture), rtol=1e-5)
    np.testing.assert_allclose(np.asarray(layers.from_opponent(turned)), picture, atol=1e-6)
    grey = np.asarray(layers.to_opponent(np.full((1, 1, 1, 3), 0.5, "float32")))
    np.testing.assert_allclose(grey[0, 0, 0], [0.5 * 3**0.5, 0, 0], atol=1e-6)


def test_softening_keeps_flat_and_linear_pictures():
    across = np.linspace(-1, 1, 32, dtype="float32")[None, None, :, None]
    ramp = np.broadcast_to(across, (1, 32, 32, 3))
    soft = np.asarray(layers.soften(ramp))
    np.testing.assert_allclose(soft[:, :, 4:-4], ramp[:, :, 4:-4], atol=1e-6)


def test_an_untrained_generator_gives_the_style_colours():
    """The decoder's own paint aside, the output has the style's mean colour."""
    generator = build_generator(4, 1, 8)
    generator.paint.kernel.assign(np.zeros(generator.paint.kernel.shape, "float32"))
    stream = np.random.default_rng(0)
    y, x = np.mgrid[:64, :64] / 63
    content = np.stack([x, y, 1 - x], -1)[None].astype("float32")
    style = 0.3 * stream.uniform(-1, 1, (1, 64, 64, 3)) + [0.4, 0.0, -0.4]
    painted = np.asarray(generator(content, style.astype("float32")))
    np.testing.assert_allclose(painted.mean((1, 2)), style.mean((1, 2)), atol=0.02)
