"""The restoration predictor: tiles without seams, and the option `strength`."""

import numpy as np
import pytest
from PIL import Image
from skimage import data

from stylefuse.inference import tiles
from stylefuse.inference.restore import RestorePredictor
from stylefuse.models.restore import TASK


@pytest.fixture(scope="module")
def generator():
    network = TASK.build_generator(width=4, blocks=1, code=8)
    for weight in network.trainable_variables:  # layers that start at zero would change nothing
        rng = np.random.default_rng(weight.shape[-1])
        weight.assign(weight + 0.1 * rng.standard_normal(weight.shape))
    return network


def test_a_picture_larger_than_a_tile_has_no_seam(generator, monkeypatch):
    predictor = RestorePredictor(generator, 2048)
    photograph = np.ascontiguousarray(data.astronaut()[:301, :437])
    untiled = predictor.render(photograph)
    monkeypatch.setattr(tiles, "TILE", 64)
    assert np.abs(predictor.render(photograph).astype(int) - untiled).max() <= 1


def test_strength_blends_the_restored_picture_with_the_original(generator):
    predictor = RestorePredictor(generator, 512)
    picture = Image.fromarray(data.astronaut()[:64, 64:128])
    original, half, restored = (
        np.asarray(predictor.paint({"picture": picture}, TASK.options(strength=s)), float)
        for s in (0, 0.5, 1)
    )
    np.testing.assert_array_equal(original, np.asarray(picture))
    np.testing.assert_allclose(half, (original + restored) / 2, atol=1)
