"""Layers and networks: the harness, and what each promises beyond it."""

import numpy as np
import pytest

from stylefuse.inference.degradation_features import SIZE
from stylefuse.models import transfer
from stylefuse.models.layers import blocks as layers
from stylefuse.models.restore.networks import RestoreDiscriminator, RestoreGenerator
from stylefuse.models.transfer.networks import PairDiscriminator, TransferGenerator
from tests.support.layer_harness import check

MAP, CODE, CODES = (2, 8, 12, 4), (2, 10), (2, 3, 10)
REGIONS = (2, 8, 12, 3)
PICTURES, OTHERS = (2, 32, 48, 3), (2, 40, 40, 3)


@pytest.mark.parametrize(
    ("make", "shapes", "output"),
    [
        (lambda: layers.EqualConv2D(5), [MAP], (2, 8, 12, 5)),
        (lambda: layers.EqualConv2D(5, 4, 2), [MAP], (2, 4, 6, 5)),
        (lambda: layers.EqualConv2D(5, 4, 2, padding="same"), [MAP], (2, 4, 6, 5)),
        (lambda: layers.EqualConv2D(5, 1), [MAP], (2, 8, 12, 5)),
        (lambda: layers.EqualDense(7), [CODE], (2, 7)),
        (lambda: layers.AdaptiveInstanceNorm(), [MAP, CODE], MAP),
        (lambda: layers.AdaptiveInstanceNorm(), [MAP, CODES, REGIONS], MAP),
        (lambda: layers.StyledResidual(4), [MAP, CODE], MAP),
        (lambda: layers.StyledResidual(4), [MAP, CODES, REGIONS], MAP),
        (lambda: TransferGenerator(4, 1, 8), [PICTURES, OTHERS], PICTURES),
        (lambda: PairDiscriminator(4), [PICTURES, (2, 16)], (2, 4, 6)),
        (lambda: RestoreGenerator(4, 1, 8), [PICTURES, (2, SIZE)], PICTURES),
        (lambda: RestoreDiscriminator(4), [PICTURES, PICTURES], (2, 4, 6)),
    ],
)
def test_harness(make, shapes, output, tmp_path):
    check(make, shapes, output, tmp_path)


def uniform(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def test_equal_convolution_keeps_the_variance():
    x = np.random.default_rng(0).standard_normal((4, 32, 32, 64)).astype("float32")
    y = np.asarray(layers.EqualConv2D(64, gain=1.0)(x))
    assert 0.9 < y.std() < 1.1


def test_instance_norm_forgets_mean_and_contrast():
    x = uniform(2, 16, 16, 3)
    one, other = (np.asarray(layers.instance_norm(v)) for v in (x, 0.5 * x + 0.25))
    np.testing.assert_allclose(one, other, atol=0.05)
    np.testing.assert_allclose(one.mean((1, 2)), 0, atol=1e-5)


def test_opponent_colours_are_a_rotation():
    picture = uniform(1, 4, 4, 3)
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


def test_shrinking_averages_and_growing_repeats():
    x = uniform(1, 4, 6, 2)
    np.testing.assert_allclose(
        np.asarray(layers.shrink(x, 2)), x.reshape(1, 2, 2, 3, 2, 2).mean((2, 4)), atol=1e-6
    )
    np.testing.assert_allclose(np.asarray(layers.shrink(layers.upsample(x), 2)), x, atol=1e-6)


@pytest.fixture
def generator():
    return transfer.TASK.build_generator(width=4, blocks=1, code=8)


def test_an_untrained_generator_gives_the_style_colours(generator):
    """The decoder's own paint aside, the output has the style's mean colour."""
    generator.paint.kernel.assign(np.zeros(generator.paint.kernel.shape, "float32"))
    y, x = np.mgrid[:64, :64] / 63
    content = np.stack([x, y, 1 - x], -1)[None].astype("float32")
    style = 0.3 * uniform(1, 64, 64, 3) + np.float32([0.4, 0.0, -0.4])
    painted = np.asarray(generator(content, style))
    np.testing.assert_allclose(painted.mean((1, 2)), style.mean((1, 2)), atol=0.02)


def test_content_is_mixed_by_a_mask(generator):
    a, b = (generator.encode_content(uniform(1, 32, 32, 3, seed=seed)) for seed in (1, 2))
    halves = np.zeros((1, 32, 32, 1), "float32")
    halves[:, :, :16] = 1
    for mask, left, right in ((np.ones_like(halves), a, a), (0 * halves, b, b), (halves, a, b)):
        for mixed, one, other in zip(generator.mix_content(a, b, mask), left, right, strict=True):
            middle = mixed.shape[2] // 2
            np.testing.assert_array_equal(mixed[:, :, :middle], one[:, :, :middle])
            np.testing.assert_array_equal(mixed[:, :, middle:], other[:, :, middle:])


@pytest.fixture
def content(generator):
    return generator.encode_content(uniform(1, 32, 32, 3))


@pytest.fixture
def codes(generator):
    """Two styles, `[1, 2, 6 + code]`."""
    dark, light = 0.3 * uniform(2, 32, 32, 3, seed=1) + np.float32([-0.5, 0.5])[:, None, None, None]
    return np.stack([generator.encode_style(style[None]) for style in (dark, light)], axis=1)


def test_a_region_that_is_everywhere_is_a_plain_style(generator, content, codes):
    for style in (0, 1):
        regions = np.zeros((1, 32, 32, 2), "float32")
        regions[..., style] = 1
        plain = np.asarray(generator.decode(content, codes[:, style]))
        painted = np.asarray(generator.decode(content, codes, regions))
        np.testing.assert_allclose(painted, plain, atol=1e-5)


def test_each_region_is_painted_in_its_style(generator, content, codes):
    regions = np.zeros((1, 32, 32, 2), "float32")
    regions[:, :, :16, 0] = regions[:, :, 16:, 1] = 1
    painted = np.asarray(generator.decode(content, codes, regions))
    dark, light = (np.asarray(generator.decode(content, codes[:, i])) for i in (0, 1))

    def unlike(other, columns):
        return abs(painted - other)[:, :, columns].mean()

    left, right = slice(0, 16), slice(16, 32)
    assert unlike(dark, left) < unlike(light, left) / 2
    assert unlike(light, right) < unlike(dark, right) / 2


def test_fine_codes_paint_the_strokes_and_leave_the_palette(generator, content, codes):
    a, b = codes[:, 0], codes[:, 1]
    plain = np.asarray(generator.decode(content, a))
    np.testing.assert_array_equal(np.asarray(generator.decode(content, a, fine=a)), plain)
    other = np.asarray(generator.decode(content, a, fine=b))
    assert abs(other - plain).max() > 0.01
    generator.paint.kernel.assign(np.zeros(generator.paint.kernel.shape, "float32"))
    ground = np.asarray(generator.decode(content, a))
    np.testing.assert_array_equal(np.asarray(generator.decode(content, a, fine=b)), ground)


def test_a_tile_with_given_moments_is_a_part_of_the_whole(generator, codes):
    picture, code = uniform(1, 96, 128, 3), codes[:, 0]

    def paint(x):
        return np.asarray(generator.decode(generator.encode_content(x), code))

    with layers.record_moments() as found:
        whole = paint(picture)
    with layers.give_moments(found):
        tile = paint(picture[:, :, 32:])
    np.testing.assert_allclose(tile[:, :, 32:], whole[:, :, 64:], atol=1e-5)
    assert abs(paint(picture[:, :, 32:]) - whole[:, :, 32:])[:, :, 32:].max() > 1e-3
    np.testing.assert_array_equal(paint(picture), whole)  # afterwards all is as before
