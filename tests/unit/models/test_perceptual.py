"""The perceptual loss measures distance to a photograph's content and to a reference's style."""

from itertools import pairwise

import numpy as np
import pytest
from keras import ops, utils

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.models import vgg19
from stylefuse.models.augmentation import DRAWS
from stylefuse.models.transfer import TASK, losses, perceptual
from tests.unit.test_config import SHIPPED

SIZE = (2, 32, 32, 3)


@pytest.fixture(autouse=True)
def small_network(monkeypatch):
    """Random weights for a VGG19 with four channels in every layer."""
    rng = np.random.default_rng(0)
    blocks = [
        [(rng.standard_normal((3, 3, *channels)).astype("float32"), np.zeros(4, "float32"))]
        for channels in pairwise([3, 4, 4, 4, 4])
    ]
    monkeypatch.setattr(perceptual, "vgg19_weights", lambda: blocks)


@pytest.fixture
def pictures():
    """Two batches."""
    batches = np.random.default_rng(1).uniform(-1, 1, (2, *SIZE)).astype("float32")
    return list(map(ops.convert_to_tensor, batches))


def distances(painted, photograph, reference, mask=1.0, weight=1.0, precision="float32"):
    masks = np.full((*SIZE[:3], 1), mask, "float32")
    weights = np.full((SIZE[0], 1), weight, "float32")
    return [
        float(loss)
        for loss in perceptual.perceptual_loss(
            painted, photograph, reference, masks, weights, precision
        )
    ]


def test_features_halve_from_block_to_block(pictures):
    assert [x.shape[1] for x in perceptual.features(pictures[0])] == [32, 16, 8, 4]


def test_a_picture_has_no_distance_from_its_own_content_and_style(pictures):
    a, b = pictures
    assert distances(a, a, a) == pytest.approx([0, 0], abs=1e-6)
    content, style = distances(a, a, b)
    assert content > 1e-3
    assert style > 1e-3
    assert distances(b, a, b)[1] == pytest.approx(0, abs=1e-6)


def test_mask_0_and_weight_0_select_the_next_picture_of_the_batch(pictures):
    a = pictures[0]
    following = ops.roll(a, 1, axis=0)
    assert distances(following, a, a, mask=0.0, weight=0.0) == pytest.approx([0, 0], abs=1e-6)
    assert distances(following, a, a)[1] > 1e-3


def test_bfloat16_gives_nearly_the_same(pictures):
    a, b = pictures
    assert distances(a, b, b, precision="bfloat16") == pytest.approx(distances(a, b, b), rel=0.05)


def test_the_generator_loss_adds_it_by_its_weights(monkeypatch, pictures):
    monkeypatch.setattr(losses, "perceptual_loss", lambda *_: (10.0, 100.0))
    utils.set_random_seed(0)
    small = (
        load_params(SHIPPED)
        .model_settings("transfer")
        .model_copy(update={"width": 4, "blocks": 1, "code": 8, "discriminator_width": 4})
    )
    generator = TASK.build_generator(width=4, blocks=1, code=8)
    discriminator = TASK.build_discriminator(small)
    masks, weights = np.ones((*SIZE[:3], 1), "float32"), np.ones((SIZE[0], 1), "float32")
    noise, draws = np.zeros(SIZE, "float32"), np.zeros((SIZE[0], DRAWS), "float32")
    batch = (pictures[0], *pictures, masks, weights, noise, draws, np.float32(0))

    def loss_and_metrics(**weights_of_losses):
        settings = small.model_copy(update=weights_of_losses)
        loss, values = TASK.generator_loss(generator, discriminator, settings, 0)(*batch)
        return float(loss), dict(zip(TASK.metric_names, map(float, values), strict=True))

    without, metrics = loss_and_metrics()
    assert metrics["perceptual"] == 0
    with_perceptual, metrics = loss_and_metrics(perceptual_content=2.0, perceptual_style=3.0)
    assert with_perceptual - without == pytest.approx(320, rel=1e-4)
    assert metrics["perceptual"] == pytest.approx(320)


def test_missing_weights_are_reported(monkeypatch, tmp_path):
    monkeypatch.setattr(vgg19, "FOLDER", tmp_path)
    vgg19.vgg19_weights.cache_clear()
    with pytest.raises(UserError, match="run `dvc repro ingest`") as error:
        vgg19.vgg19_weights()
    assert error.value.code == "network-missing"
