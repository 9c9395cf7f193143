"""Enlargement: the network that comes with the code, in tiles, and its place in restoration."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stylefuse.errors import UserError
from stylefuse.evaluation.metrics.psnr import psnr
from stylefuse.inference import enlarger
from stylefuse.inference.enlarger import enlarge
from stylefuse.inference.options import RestoreOptions
from stylefuse.inference.predictor import load_predictor
from stylefuse.models.enlarger.network import MARGIN
from tests.support.models import make_model

PHOTOGRAPH = data.astronaut()[:256, 64:320]
HALVED = np.asarray(Image.fromarray(PHOTOGRAPH).resize((128, 128), Image.Resampling.BICUBIC))


@pytest.fixture(scope="module")
def predictor(tmp_path_factory):
    return load_predictor(make_model(tmp_path_factory.mktemp("model"), "restore"), max_side=256)


def test_a_halved_photograph_is_enlarged_better_than_by_lanczos():
    lanczos = Image.fromarray(HALVED).resize((256, 256), Image.Resampling.LANCZOS)
    assert psnr(PHOTOGRAPH, enlarge(HALVED, 2)) > psnr(PHOTOGRAPH, np.asarray(lanczos)) + 0.3


def test_tiles_leave_no_seam(monkeypatch):
    whole = enlarge(HALVED, 2)
    monkeypatch.setattr(enlarger, "TILE", 50)
    assert np.abs(enlarge(HALVED, 2).astype(int) - whole).max() <= 1
    assert enlarger.MARGIN == MARGIN


@pytest.mark.parametrize("size", [(1, 1), (3, 70), (17, 9)])
def test_any_size_is_enlarged_and_grey_stays_grey(size):
    grey = np.random.default_rng(0).integers(0, 256, (*size, 1), np.uint8).repeat(3, -1)
    enlarged = enlarge(grey, 4)
    assert enlarged.shape == (4 * size[0], 4 * size[1], 3)
    assert np.ptp(enlarged, axis=-1).max() == 0
    np.testing.assert_array_equal(enlarge(grey, 1), grey)


def test_a_restored_picture_is_enlarged_with_its_transparency(predictor):
    picture = Image.fromarray(HALVED[:40, :60])
    plain = predictor.paint({"picture": picture}, RestoreOptions())
    large = predictor.paint({"picture": picture}, RestoreOptions(scale=2))
    np.testing.assert_array_equal(np.asarray(large), enlarge(np.asarray(plain), 2))
    picture.putalpha(Image.new("L", picture.size, 99))
    large = predictor.paint({"picture": picture}, RestoreOptions(scale=4))
    assert (large.mode, large.size) == ("RGBA", (240, 160))
    assert large.getchannel("A").getextrema() == (99, 99)


def test_an_enlarged_picture_that_is_too_large_is_refused(predictor):
    with pytest.raises(UserError) as error:
        predictor.paint({"picture": Image.fromarray(PHOTOGRAPH)}, RestoreOptions(scale=2))
    assert error.value.code == "output-too-large"
