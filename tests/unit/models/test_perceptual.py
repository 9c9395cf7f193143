"""The guide wants a photograph's content in its reference's style."""

from itertools import pairwise

import numpy as np
import pytest
from keras import ops, utils

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.models.augmentation import DRAWS
from stylefuse.models.transfer import TASK
from stylefuse.models.transfer import losses as losses
from stylefuse.models.transfer import perceptual as guide
from tests.unit.test_config import SHIPPED

SIZE = (2, 32, 32, 3)


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Random weights of the guide's own form, four channels wide."""
    rng = np.random.default_rng(0)
    blocks = [
        [(rng.standard_normal((3, 3, *pair)).astype("float32"), np.zeros(4, "float32"))]
        for pair in pairwise([3, 4, 4, 4, 4])
    ]
    monkeypatch.setattr(guide, "weights", lambda: blocks)


@pytest.fixture
def pictures():
    drawn = np.random.default_rng(1).uniform(-1, 1, (2, *SIZE)).astype("float32")
    return list(map(ops.convert_to_tensor, drawn))


def distances(painted, photograph, reference, mask=1.0, weight=1.0, precision="float32"):
    masks = np.full((*SIZE[:3], 1), mask, "float32")
    weights = np.full((SIZE[0], 1), weight, "float32")
    found = guide.perceptual_loss(painted, photograph, reference, masks, weights, precision)
    return list(map(float, found))


def test_features_halve_from_block_to_block(pictures):
    assert [x.shape[1] for x in guide.features(pictures[0])] == [32, 16, 8, 4]


def test_a_picture_is_at_no_distance_from_its_own_content_and_style(pictures):
    one, other = pictures
    assert distances(one, one, one) == pytest.approx([0, 0], abs=1e-6)
    kept, styled = distances(one, one, other)
    assert kept > 1e-3 and styled > 1e-3
    assert distances(other, one, other)[1] == pytest.approx(0, abs=1e-6)


def test_masks_and_weights_point_to_the_next_one(pictures):
    one = pictures[0]
    following = ops.roll(one, 1, axis=0)
    kept, styled = distances(following, one, one, mask=0.0, weight=0.0)
    assert [kept, styled] == pytest.approx([0, 0], abs=1e-6)
    assert distances(following, one, one)[1] > 1e-3


def test_short_floats_see_nearly_the_same(pictures):
    one, other = pictures
    assert distances(one, other, other, precision="bfloat16") == pytest.approx(
        distances(one, other, other), rel=0.05
    )


def test_the_objective_adds_it_by_its_weights(monkeypatch, pictures):
    monkeypatch.setattr(losses, "guidance", lambda *seen: (10.0, 100.0))
    utils.set_random_seed(0)
    small = (
        load_params(SHIPPED)
        .train("transfer")
        .model_copy(update={"width": 4, "blocks": 1, "code": 8, "discriminator_width": 4})
    )
    generator = TASK.build_generator(width=4, blocks=1, code=8)
    discriminator = TASK.build_discriminator(small)
    masks, weights = np.ones((*SIZE[:3], 1), "float32"), np.ones((SIZE[0], 1), "float32")
    noise, draws = np.zeros(SIZE, "float32"), np.zeros((SIZE[0], DRAWS), "float32")

    def loss(**weighted):
        settings = small.model_copy(update=weighted)
        loss_function = TASK.generator_loss(generator, discriminator, settings, 0)
        batch = (pictures[0], *pictures, masks, weights, noise, draws, np.float32(0))
        found, reported = loss_function(*batch)
        return float(found), dict(zip(TASK.reports, map(float, reported), strict=True))

    plain, reported = loss()
    assert reported["guide"] == 0
    guided, reported = loss(guide_content=2.0, guide_style=3.0)
    assert guided - plain == pytest.approx(320, rel=1e-4)
    assert reported["guide"] == pytest.approx(320)


def test_weights_that_were_not_fetched_are_told(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setattr(guide, "FOLDER", tmp_path)
    guide.weights.cache_clear()
    with pytest.raises(UserError, match="run `dvc repro ingest`"):
        guide.weights()
