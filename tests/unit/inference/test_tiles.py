"""Tiles: their kept parts cover a picture, and all have one size."""

import numpy as np
import pytest

from stylefuse.inference import tiles


@pytest.mark.parametrize("size", [(912, 920), (1000, 1672), (64, 4096)])
def test_tiles_cover_a_picture(size):
    times_kept, shapes = np.zeros((1, *size), int), set()
    for tile, inner in tiles.cover(*size):
        part = times_kept[tile]
        shapes.add(part.shape)
        part[inner] += 1
        assert tile[1].start % 8 == tile[2].start % 8 == 0
    assert (times_kept > 0).all()
    assert len(shapes) == 1
    assert max(shapes.pop()) <= tiles.TILE + 2 * tiles.MARGIN


def test_there_are_as_few_tiles_as_possible():
    length = 2 * tiles.MARGIN + 3 * tiles.TILE
    assert len(list(tiles.cover(64, length))) == 3
    assert len(list(tiles.cover(64, length + 8))) == 4


@pytest.mark.parametrize("length", [1024, 2048])
def test_tiles_overlap_by_little_more_than_their_margins(length):
    spans = [tile[2] for tile, _ in tiles.cover(64, length)]
    total = sum(span.stop - span.start for span in spans)
    assert total - length <= 2 * tiles.MARGIN * (len(spans) - 1) + 8 * len(spans)


def test_a_small_picture_needs_no_tiles():
    side = tiles.TILE + 2 * tiles.MARGIN
    assert not tiles.needed(side, side)
    assert tiles.needed(64, side + 1)
