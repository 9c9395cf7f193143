"""The transfer model on arrays: any size, and no seams between tiles."""

import numpy as np
import pytest

from stylefuse.inference import tiles
from stylefuse.inference.model_folder import ModelFolder
from stylefuse.inference.stylizer import Stylizer
from tests.support.models import make_model, noise


def picture(height, width, seed=0):
    """Patches and noise: detail at every scale."""
    coarse = noise(5, 4, seed=seed).resize((width, height))
    fine = np.asarray(noise(width, height, seed=seed + 1))
    return np.uint8(0.8 * np.asarray(coarse) + 0.2 * fine)


@pytest.fixture(scope="module")
def stylizer(tmp_path_factory):
    """As deep as the largest shipped profile, so that its receptive field is as large."""
    folder = tmp_path_factory.mktemp("model")
    return Stylizer(ModelFolder(make_model(folder, "transfer", width=2, blocks=4, code=8)))


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


def test_strength_goes_from_the_content_itself_to_the_given_style(stylizer, codes):
    content = picture(45, 62)
    painted = {s: stylizer.render(content, codes[1], s) for s in np.linspace(0, 1, 9)}
    np.testing.assert_array_equal(painted[0], content)
    np.testing.assert_array_equal(painted[1], stylizer.fuse([content], codes[1:], codes[1:]))
    changes = [np.abs(x.astype(int) - content).mean() for x in painted.values()]
    assert changes == sorted(changes)
    assert changes[1] < 0.3 * changes[-1]
    left = [np.abs(x.astype(int) - painted[1]).mean() for x in painted.values()]
    assert left == sorted(left, reverse=True)


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
def test_a_picture_larger_than_a_tile_has_no_seam(stylizer, codes, monkeypatch, kind):
    """Tiling gives the same pixels as painting at once with the same feature statistics."""
    fusion, measured = fusions(codes, 239, 321)[kind], []
    with monkeypatch.context() as patch:
        measure = stylizer._measure
        patch.setattr(
            stylizer, "_measure", lambda *inputs: measured.append(measure(*inputs)) or measured[-1]
        )
        patch.setattr(tiles, "TILE", 64)
        tiled = stylizer.fuse(*fusion)
    (statistics,) = measured
    untiled = stylizer.fuse(*fusion, statistics=statistics)
    assert not tiles.needed(239, 321)
    assert untiled.shape == tiled.shape == (239, 321, 3)
    assert abs(untiled.astype(int) - tiled).max() <= 1


def test_pictures_of_any_size_are_fused(stylizer, codes):
    for size in ((40, 56), (33, 48), (70, 40)):
        for fusion in fusions(codes, *size).values():
            assert stylizer.fuse(*fusion).shape == (*size, 3)
