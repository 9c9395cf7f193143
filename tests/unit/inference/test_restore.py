"""The restoration predictor: tiles without seams, and the option `strength`."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stylefuse.evaluation.metrics.psnr import psnr
from stylefuse.inference import tiles
from stylefuse.inference.hole_filling import fill_holes
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


def test_a_mask_limits_what_is_changed_and_its_white_part_is_filled(predictor):
    picture = np.ascontiguousarray(data.astronaut()[:96, 64:192])
    damaged = picture.copy()
    damaged[30:40, 20:90] = [255, 0, 255]
    mask = np.zeros((96, 128), np.uint8)
    mask[28:42, 18:92] = 255
    inputs = {"picture": Image.fromarray(damaged), "mask": Image.fromarray(mask)}
    mended = np.asarray(predictor.paint(inputs, RestoreOptions()))
    np.testing.assert_array_equal(mended[mask == 0], damaged[mask == 0])
    filled = fill_holes(damaged, mask / 255)
    assert psnr(picture, filled) > psnr(picture, damaged) + 5
    np.testing.assert_array_equal(mended[mask == 255], predictor.render(filled)[mask == 255])


@pytest.mark.parametrize("size", [(40, 56), (33, 47), (1, 9)])
def test_filling_continues_a_gradient_and_keeps_what_is_known(size):
    ramp = np.linspace(20, 220, size[0] * size[1]).reshape(size)
    picture = np.rint(ramp)[..., None].repeat(3, 2).astype(np.uint8)
    hole = np.zeros(size)
    hole[size[0] // 3 : size[0] // 2 + 1, 3:6] = 1
    damaged = np.where(hole[..., None] == 1, 0, picture).astype(np.uint8)
    filled = fill_holes(damaged, hole)
    np.testing.assert_array_equal(filled[hole == 0], picture[hole == 0])
    assert np.abs(filled.astype(int) - picture).max() < 25
    np.testing.assert_array_equal(fill_holes(picture, np.ones(size)), picture)
    np.testing.assert_array_equal(fill_holes(picture, np.zeros(size)), picture)
