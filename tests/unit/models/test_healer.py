import numpy as np
import onnxruntime
import pytest

from stylefuse.images.arrays import random_pictures
from stylefuse.models.character.graphs import healer_graph
from stylefuse.models.character.networks import HealerGenerator, PatchDiscriminator

SIDE = 64


@pytest.fixture(scope="module")
def inputs():
    (picture,) = random_pictures(1, SIDE, SIDE, seed=0)
    maps = np.random.default_rng(0).random((SIDE, SIDE, 4), np.float32)
    maps[:20] = 0
    return picture[None], maps[None]


@pytest.fixture(scope="module")
def trained(inputs):
    """A healer whose weights are all random."""
    generator = HealerGenerator(8)
    generator(_joined(*inputs))
    rng = np.random.default_rng(1)
    for weight in generator.weights:
        weight.assign(0.5 * rng.standard_normal(weight.shape))
    return generator


def test_an_untrained_healer_changes_nothing(inputs):
    joined = _joined(*inputs)
    healed = np.asarray(HealerGenerator(8)(joined))
    assert np.array_equal(healed, joined[..., :3])


def test_the_healer_changes_the_picture_inside_the_mask_alone(trained, inputs):
    joined = _joined(*inputs)
    change = np.asarray(trained(joined)) - joined[..., :3]
    assert np.all(change[:, :20] == 0)
    assert np.abs(change[:, 20:]).mean() > 0.05


def test_the_graph_computes_what_the_healer_does(trained, inputs):
    content = healer_graph(trained, SIDE)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    (change,) = session.run(None, dict(zip(("composite", "maps"), inputs, strict=True)))
    joined = _joined(*inputs)
    expected = (np.asarray(trained(joined)) - joined[..., :3]) * 127.5
    assert np.abs(expected).max() > 10
    np.testing.assert_allclose(change, expected, atol=0.01)
    assert content == healer_graph(trained, SIDE)


def test_the_discriminator_sees_patches(inputs):
    discriminator = PatchDiscriminator(8)
    picture = inputs[0] / np.float32(127.5) - 1
    before = np.asarray(discriminator(picture))
    assert before.shape == (1, SIDE // 8, SIDE // 8, 1)
    picture[:, :8, :8] *= -1
    changed = np.asarray(discriminator(picture)) != before
    assert changed[0, 0, 0, 0]
    assert not changed[0, -1, -1, 0]


def _joined(picture, maps):
    return np.concatenate([picture / np.float32(127.5) - 1, maps], axis=-1).astype(np.float32)
