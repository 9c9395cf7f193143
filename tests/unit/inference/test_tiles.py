"""Tiles: what is kept of them covers a picture, and all have one size."""

import numpy as np
import pytest

from stylefuse.inference import tiles


@pytest.mark.parametrize("size", [(912, 920), (1000, 1672), (64, 4096)])
def test_tiles_cover_a_picture(size):
    kept, shapes = np.zeros((1, *size), int), set()
    for whole, inner in tiles.cover(*size):
        part = kept[whole]
        shapes.add(part.shape)
        part[inner] += 1
        assert whole[1].start % 8 == whole[2].start % 8 == 0
    assert (kept > 0).all()
    assert len(shapes) == 1
    assert max(shapes.pop()) <= tiles.TILE + 2 * tiles.MARGIN


def test_as_few_tiles_as_their_margins_allow():
    length = 2 * tiles.MARGIN + 3 * tiles.TILE
    assert len(list(tiles.cover(64, length))) == 3
    assert len(list(tiles.cover(64, length + 8))) == 4


@pytest.mark.parametrize("length", [1024, 2048])
def test_tiles_overlap_by_little_more_than_their_margins(length):
    spans = [whole[2] for whole, _ in tiles.cover(64, length)]
    painted = sum(span.stop - span.start for span in spans)
    assert painted - length <= 2 * tiles.MARGIN * (len(spans) - 1) + 8 * len(spans)


def test_a_picture_that_fits_needs_no_tiles():
    side = tiles.TILE + 2 * tiles.MARGIN
    assert not tiles.needed(side, side)
    assert tiles.needed(64, side + 1)
