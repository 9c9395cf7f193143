"""Undamaged pictures for the detector: drawings of every kind, and good files."""

import numpy as np
import pytest
from PIL import Image
from skimage.data import astronaut

from stylefuse.models.restore.undamaged import DRAWINGS, SIDES, draw, publish


@pytest.mark.parametrize("kind", DRAWINGS)
def test_a_drawing_has_its_size_and_more_than_one_colour(kind):
    for seed in range(25):
        drawing = kind(np.random.default_rng(seed), 90, 75)
        assert (drawing.mode, drawing.size) == ("RGB", (90, 75))
    assert len(drawing.getcolors(90 * 75)) > 1


def test_drawings_are_reproducible_differ_and_some_are_grey():
    first, again = ([draw(np.random.default_rng(seed)) for seed in range(40)] for _ in range(2))
    for drawing, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(drawing, same)
        assert SIDES[0] <= min(drawing.shape[:2]) <= max(drawing.shape[:2]) < SIDES[1]
    assert len({drawing.tobytes() for drawing in first}) == len(first)
    assert 0 < sum(np.ptp(drawing, axis=-1).max() == 0 for drawing in first) < len(first) / 2


def test_publishing_changes_most_pictures_and_keeps_their_colours():
    picture = np.asarray(Image.fromarray(astronaut()).resize((128, 128)))
    published = [publish(picture, np.random.default_rng(seed)) for seed in range(30)]
    changed = [result for result in published if (result != picture).any()]
    assert len(published) / 2 < len(changed) < len(published)
    assert max(abs(result.mean() - picture.mean()) for result in changed) < 15
