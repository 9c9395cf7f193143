"""The restoration predictor: tiles without seams, and the option `strength`."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stylefuse.inference import tiles
from stylefuse.inference.options import RestoreOptions
from stylefuse.inference.predictor import load_predictor
from tests.support.models import make_model


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return load_predictor(make_model(tmp_path_factory.mktemp("model"), "restore"))


def test_a_picture_larger_than_a_tile_has_no_seam(predictor, monkeypatch):
    photograph = np.ascontiguousarray(data.astronaut()[:301, :437])
    untiled = predictor.render(photograph)
    monkeypatch.setattr(tiles, "TILE", 64)
    assert np.abs(predictor.render(photograph).astype(int) - untiled).max() <= 1


def test_strength_blends_the_restored_picture_with_the_original(predictor):
    picture = Image.fromarray(data.astronaut()[:64, 64:128])
    original, half, restored = (
        np.asarray(predictor.paint({"picture": picture}, RestoreOptions(strength=s)), float)
        for s in (0, 0.5, 1)
    )
    np.testing.assert_array_equal(original, np.asarray(picture))
    np.testing.assert_allclose(half, (original + restored) / 2, atol=1)


@pytest.mark.parametrize("rounding", [0, 2])
def test_a_grey_picture_stays_grey(predictor, rounding):
    picture = np.array(data.camera()[:64, :80, None].repeat(3, -1))
    picture[..., 0] = np.minimum(picture[..., 0], 253) + rounding
    restored = predictor.render(picture)
    assert np.ptp(restored, axis=-1).max() == 0
    assert np.abs(restored - picture.astype(int)).mean() > 0


@pytest.mark.parametrize("colour", [(128, 128, 128), (255, 255, 255), (20, 90, 200)])
def test_a_picture_of_one_colour_stays_as_it_is(predictor, colour):
    picture = np.full((40, 50, 3), colour, np.uint8)
    np.testing.assert_array_equal(predictor.render(picture), picture)
