"""The transfer generator on arrays: any size, and no seams between tiles."""

import numpy as np
import pytest

from stylefuse.inference import tiles
from stylefuse.inference.stylizer import Stylizer
from stylefuse.models.saving import load_generator
from tests.support.models import make_model, noise


def picture(height, width, seed=0):
    """Patches and noise: detail at every scale."""
    coarse = noise(5, 4, seed=seed).resize((width, height))
    fine = np.asarray(noise(width, height, seed=seed + 1))
    return np.uint8(0.8 * np.asarray(coarse) + 0.2 * fine)


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    """As deep as the largest shipped profile, so that its receptive field is as large."""
    folder = tmp_path_factory.mktemp("model")
    return load_generator(make_model(folder, "transfer", width=2, blocks=4, code=8))[1]


@pytest.fixture(scope="module")
def stylizer(generator):
    return Stylizer(generator)


@pytest.fixture(scope="module")
def codes(stylizer):
    return stylizer.style_code([picture(70, 50, seed=7), 255 - picture(40, 64, seed=9) // 2])


@pytest.mark.parametrize("size", [(1, 1), (3, 60), (31, 17), (32, 32), (45, 62)])
def test_any_size_is_painted(stylizer, codes, size):
    painted = stylizer.render(picture(*size), codes[0])
    assert painted.shape == (*size, 3)
    assert painted.dtype == np.uint8


def test_a_picture_that_needs_no_padding_is_not_changed_by_it(stylizer, codes):
    """A picture whose sides suit the network is painted as in a batch."""
    content = picture(48, 64)
    alone = stylizer.stylize(content[None], picture(48, 64, seed=5)[None])[0]
    code = stylizer.style_code([picture(48, 64, seed=5)])[0]
    assert abs(stylizer.render(content, code).astype(int) - alone).max() <= 1


def test_strength_goes_from_the_contents_style_to_the_given_one(stylizer, codes):
    content = picture(45, 62)
    own = stylizer.style_code([content])[0]
    ends = stylizer.render(content, own), stylizer.render(content, codes[1])
    np.testing.assert_array_equal(stylizer.render(content, codes[1], 0.0), ends[0])
    np.testing.assert_array_equal(stylizer.render(content, codes[1], 1.0), ends[1])
    means = [stylizer.render(content, codes[1], s).mean() for s in (0, 0.25, 0.5, 0.75, 1)]
    assert means == sorted(means) or means == sorted(means, reverse=True)
    assert abs(means[-1] - means[0]) > 10


def test_each_picture_of_a_batch_has_its_own_style(stylizer):
    contents = np.stack([picture(32, 40, seed=i) for i in range(3)])
    styles = np.stack([picture(32, 40, seed=i + 20) for i in range(3)])
    for strength in (0.3, 1.0):
        together = stylizer.stylize(contents, styles, strength).astype(int)
        for content, style, painted in zip(contents, styles, together, strict=True):
            alone = stylizer.render(content, stylizer.style_code([style])[0], strength)
            assert abs(alone - painted).max() <= 1


def fusions(codes, height, width):
    """Arguments of `fuse`: one picture, two by a mask, and two in regions of their own styles."""
    a, b = picture(height, width), picture(height, width, seed=3)
    mask = np.broadcast_to(np.linspace(0, 1, width, dtype=np.float32), (height, width))
    stripes = np.float32(np.indices((height, width))[0] // 20 % 2)
    regions = np.stack([stripes, 1 - stripes], axis=-1)
    return {
        "plain": ([a], [codes[0]], [codes[1]]),
        "mask": ([a, b], [codes[0]], [codes[0]], mask),
        "regions": ([a, b], codes, codes[::-1], mask, regions),
    }


@pytest.mark.parametrize("kind", ["plain", "mask", "regions"])
def test_a_picture_larger_than_a_tile_has_no_seam(generator, codes, monkeypatch, kind):
    """Tiling gives the same pixels as painting at once with the same feature statistics."""
    stylizer, recorded = Stylizer(generator), []
    fusion = fusions(codes, 239, 321)[kind]

    record = stylizer._record_moments
    stylizer._record_moments = lambda *inputs: recorded.append(record(*inputs)) or recorded[-1]
    with monkeypatch.context() as patch:
        patch.setattr(tiles, "TILE", 64)
        tiled = stylizer.fuse(*fusion)
    (moments,) = recorded
    untiled = stylizer.fuse(*fusion, moments=moments)
    assert not tiles.needed(239, 321)
    assert untiled.shape == tiled.shape == (239, 321, 3)
    assert abs(untiled.astype(int) - tiled).max() <= 1


def test_pictures_of_any_size_are_fused(stylizer, codes):
    for size in ((40, 56), (33, 48), (70, 40)):
        for fusion in fusions(codes, *size).values():
            assert stylizer.fuse(*fusion).shape == (*size, 3)
