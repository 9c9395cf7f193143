"""Transfer networks: shapes, mixing of contents and styles, and painting in tiles."""

import numpy as np
import pytest

from stylefuse.models import transfer
from stylefuse.models.layers.normalization import record_moments, replay_moments
from stylefuse.models.transfer.networks import PairDiscriminator, TransferGenerator
from tests.support.layer_harness import check_layer

PICTURES, OTHERS = (2, 32, 48, 3), (2, 40, 40, 3)


@pytest.mark.parametrize(
    ("make", "shapes", "output"),
    [
        (lambda: TransferGenerator(4, 1, 8), [PICTURES, OTHERS], PICTURES),
        (lambda: PairDiscriminator(4), [PICTURES, (2, 16)], (2, 4, 6)),
    ],
)
def test_a_network_has_its_shape_and_can_be_saved(make, shapes, output, tmp_path):
    check_layer(make, shapes, output, tmp_path)


def uniform(*shape, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


@pytest.fixture
def generator():
    return transfer.TASK.build_generator(width=4, blocks=1, code=8)


def test_an_untrained_generator_gives_the_colours_of_the_style(generator):
    """Without the detail that the decoder adds, the output has the style's mean colour."""
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
        mixed_maps = generator.mix_content(a, b, mask)
        for mixed, left_map, right_map in zip(mixed_maps, left, right, strict=True):
            middle = mixed.shape[2] // 2
            np.testing.assert_array_equal(mixed[:, :, :middle], left_map[:, :, :middle])
            np.testing.assert_array_equal(mixed[:, :, middle:], right_map[:, :, middle:])


@pytest.fixture
def content(generator):
    return generator.encode_content(uniform(1, 32, 32, 3))


@pytest.fixture
def codes(generator):
    """Two styles, `[1, 2, 6 + code]`."""
    dark, light = 0.3 * uniform(2, 32, 32, 3, seed=1) + np.float32([-0.5, 0.5])[:, None, None, None]
    return np.stack([generator.encode_style(style[None]) for style in (dark, light)], axis=1)


def test_a_region_that_covers_everything_is_the_same_as_no_regions(generator, content, codes):
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

    def distance(other, columns):
        return abs(painted - other)[:, :, columns].mean()

    left, right = slice(0, 16), slice(16, 32)
    assert distance(dark, left) < distance(light, left) / 2
    assert distance(light, right) < distance(dark, right) / 2


def test_fine_codes_change_the_strokes_and_keep_the_palette(generator, content, codes):
    a, b = codes[:, 0], codes[:, 1]
    plain = np.asarray(generator.decode(content, a))
    np.testing.assert_array_equal(np.asarray(generator.decode(content, a, fine=a)), plain)
    other = np.asarray(generator.decode(content, a, fine=b))
    assert abs(other - plain).max() > 0.01
    generator.paint.kernel.assign(np.zeros(generator.paint.kernel.shape, "float32"))
    undetailed = np.asarray(generator.decode(content, a))
    np.testing.assert_array_equal(np.asarray(generator.decode(content, a, fine=b)), undetailed)


def test_a_tile_with_recorded_moments_equals_that_part_of_the_picture(generator, codes):
    picture, code = uniform(1, 96, 128, 3), codes[:, 0]

    def paint(x):
        return np.asarray(generator.decode(generator.encode_content(x), code))

    with record_moments() as recording:
        whole = paint(picture)
    with replay_moments(recording):
        tile = paint(picture[:, :, 32:])
    np.testing.assert_allclose(tile[:, :, 32:], whole[:, :, 64:], atol=1e-5)
    assert abs(paint(picture[:, :, 32:]) - whole[:, :, 32:])[:, :, 32:].max() > 1e-3
    np.testing.assert_array_equal(paint(picture), whole)  # no longer replayed
