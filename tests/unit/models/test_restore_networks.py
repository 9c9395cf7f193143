"""Restoration networks: shapes, saving, and a generator that starts by changing almost nothing."""

import numpy as np
import pytest
from skimage import data

from stylefuse.images.arrays import to_float, to_uint8
from stylefuse.inference.degradation_features import FEATURE_COUNT, analyse
from stylefuse.models.restore import TASK
from stylefuse.models.restore.classical_filters import thin_structures
from stylefuse.models.restore.networks import (
    CANDIDATES,
    HIGH,
    LOW,
    RestoreDiscriminator,
    RestoreGenerator,
    certainty,
    depth_to_space,
    space_to_depth,
)
from tests.support.layer_harness import check_layer

PICTURES = (2, 32, 48, 3)


@pytest.mark.parametrize(
    ("make", "shapes", "output"),
    [
        (
            lambda: RestoreGenerator(4, 1, 8),
            [PICTURES, PICTURES, (2, FEATURE_COUNT)],
            PICTURES,
        ),
        (lambda: RestoreDiscriminator(4), [PICTURES, PICTURES], (2, 4, 6)),
    ],
)
def test_a_network_has_its_shape_and_can_be_saved(make, shapes, output, tmp_path):
    check_layer(make, shapes, output, tmp_path)


def test_depth_to_space_undoes_space_to_depth():
    x = np.random.default_rng(0).uniform(-1, 1, PICTURES).astype("float32")
    deep = np.asarray(space_to_depth(x))
    assert deep.shape == (2, 16, 24, 12)
    np.testing.assert_array_equal(deep[:, 3, 5].reshape(2, 2, 2, 3), x[:, 6:8, 10:12])
    np.testing.assert_array_equal(np.asarray(depth_to_space(deep)), x)


PHOTO = data.astronaut()[:256, 64:320]


@pytest.fixture
def generator():
    return TASK.build_generator(width=4, blocks=1, code=8)


def inputs(picture):
    features, filtered = analyse(picture)
    return to_float(picture[None]), to_float(filtered[None]), features[None]


def test_a_picture_that_is_not_recognised_as_degraded_comes_back_unchanged(generator):
    rng = np.random.default_rng(0)
    generator.set_weights([w + 0.1 * rng.standard_normal(w.shape) for w in generator.weights])
    generator.recognise.last.kernel.assign(0 * generator.recognise.last.kernel)
    bias = np.log(LOW / (1 - LOW)) - 0.01
    generator.recognise.last.bias.assign(bias)
    restored = to_uint8(np.asarray(generator(*inputs(PHOTO))))[0]
    np.testing.assert_array_equal(restored, PHOTO)


@pytest.mark.parametrize("candidate", range(CANDIDATES))
def test_a_new_generator_mixes_classical_answers_and_its_choice_can_be_any(generator, candidate):
    """So that no classical answer is out of reach."""
    x, filtered, features = inputs(PHOTO)
    generator.choose.bias.assign(60 * np.eye(CANDIDATES, dtype=np.float32)[candidate])
    light, dark = (np.asarray(part) for part in thin_structures(x))
    expected = (x, filtered, x - light, x + dark)[candidate]
    restored, _ = generator.restore_detail(x, filtered, features)
    np.testing.assert_allclose(np.asarray(restored), expected, atol=1e-5)


def test_certainty_is_a_ramp():
    values = np.stack([0 * LOW, LOW, (LOW + HIGH) / 2, HIGH, 0 * LOW + 1])
    expected = np.array([0, 0, 0.5, 1, 1])[:, None] + 0 * LOW
    np.testing.assert_allclose(np.asarray(certainty(values)), expected, atol=1e-6)
