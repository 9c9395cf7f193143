"""Resizing keeps the aspect ratio, transparency and, when padding, the pixels."""

import numpy as np
import pytest
from PIL import Image

from stylefuse.images.arrays import MIN_SIDE, STRIDE, pad, to_float, to_uint8
from stylefuse.images.open import flatten
from stylefuse.images.resize import copy_alpha, limit_side, rescale
from tests.support.models import noise


@pytest.mark.parametrize(
    ("size", "max_side", "result"),
    [((40, 30), 20, (20, 15)), ((30, 40), 20, (15, 20)), ((200, 1), 64, (64, 1))],
)
def test_a_longer_side_is_limited(size, max_side, result):
    assert limit_side(noise(*size), max_side).size == result


def test_a_small_picture_is_not_scaled():
    picture = noise(40, 30)
    assert limit_side(picture, 40) is picture


def test_rescaling_rounds_to_whole_pixels():
    assert rescale(noise(3, 5), 1.5).size == (4, 8)
    assert rescale(noise(3, 5), 0.01).size == (1, 1)


def test_alpha_is_copied_if_there_is_one():
    target = noise(4, 3, seed=1)
    assert copy_alpha(noise(4, 3), target).mode == "RGB"
    transparent = noise(4, 3, "RGBA")
    result = copy_alpha(transparent, target)
    assert result.getchannel("A").tobytes() == transparent.getchannel("A").tobytes()


def test_half_transparent_colours_are_not_mixed_with_the_background():
    """What was made of the picture over mid-grey looks as it is over mid-grey."""
    picture = noise(40, 150, "RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    unchanged = np.asarray(copy_alpha(picture, flatten(picture)))
    is_visible = unchanged[..., 3] > 0
    np.testing.assert_array_equal(unchanged[is_visible], np.asarray(picture)[is_visible])
    darker = Image.fromarray(np.asarray(flatten(picture)) // 8 * 7)
    picture.putalpha(128)
    difference = np.asarray(flatten(copy_alpha(picture, darker))).astype(int) - np.asarray(darker)
    levels = np.asarray(darker)
    representable = (levels > 64) & (levels < 191)  # of half a level of grey, and half another
    assert abs(difference[representable]).max() <= 1


@pytest.mark.parametrize("size", [(1, 1), (31, 33), (40, 64), (45, 300)])
def test_padding_keeps_the_picture_and_makes_sides_suitable(size):
    picture = np.asarray(noise(size[1], size[0]))
    padded = pad(picture)
    np.testing.assert_array_equal(padded[: size[0], : size[1]], picture)
    for side, padded_side in zip(size, padded.shape, strict=False):
        assert padded_side >= MIN_SIDE
        assert padded_side % STRIDE == 0
        assert padded_side == side or padded_side - side < max(STRIDE, MIN_SIDE)


def test_floats_and_levels_are_each_others_inverse():
    levels = np.arange(256, dtype=np.uint8)
    floats = to_float(levels)
    assert (floats.dtype, floats[0], floats[-1]) == (np.float32, -1, 1)
    np.testing.assert_array_equal(to_uint8(floats), levels)
    np.testing.assert_array_equal(to_uint8(np.float32([-9, 9])), [0, 255])
