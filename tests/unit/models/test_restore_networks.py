"""Restoration networks: shapes, saving, and a generator that starts by changing almost nothing."""

import numpy as np
import pytest
from skimage import data

from stylefuse.images.arrays import to_float, to_uint8
from stylefuse.inference.degradation_features import FEATURE_COUNT, degradation_features
from stylefuse.models.restore import TASK
from stylefuse.models.restore.classical_filters import BLUR_SIGMAS
from stylefuse.models.restore.degradation import FREQUENT, KINDS
from stylefuse.models.restore.networks import (
    DETAIL,
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
            [PICTURES, (2, FEATURE_COUNT)],
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


def restored_by(generator, picture):
    features = degradation_features(picture)[None]
    return to_uint8(np.asarray(generator(to_float(picture[None]), features)))[0]


def detect_all(generator, logits):
    generator.detector.last.kernel.assign(0 * generator.detector.last.kernel)
    generator.detector.last.bias.assign(np.asarray(logits, np.float32))


def test_a_picture_that_is_not_detected_as_degraded_comes_back_unchanged(generator):
    rng = np.random.default_rng(0)
    generator.set_weights([w + 0.1 * rng.standard_normal(w.shape) for w in generator.get_weights()])
    detect_all(generator, np.log(LOW / (1 - LOW)) - 0.01)
    np.testing.assert_array_equal(restored_by(generator, PHOTO), PHOTO)
    only_detail = np.full(DETAIL + 1, -20)
    only_detail[[0, DETAIL]] = 20
    detect_all(generator, only_detail)
    detail, _ = generator.restore_detail(to_float(PHOTO[None]), degradation_features(PHOTO)[None])
    np.testing.assert_array_equal(restored_by(generator, PHOTO), to_uint8(np.asarray(detail))[0])


def test_a_new_generator_that_recognises_no_degradation_changes_almost_nothing(generator):
    generator.recognise.last.bias.assign(np.full(len(FREQUENT), -20.0, np.float32))
    generator.sharpen.bias.assign(20 * np.eye(1 + len(BLUR_SIGMAS))[0])
    detect_all(generator, [20.0] + [-20.0] * (DETAIL - 1) + [20.0])
    change = np.abs(restored_by(generator, PHOTO).astype(int) - PHOTO)
    assert change.mean() < 2  # denoising thresholds start at e^−5, not at 0
    assert change.max() <= 12


def test_certainty_is_a_ramp():
    values = np.stack([0 * LOW, LOW, (LOW + HIGH) / 2, HIGH, 0 * LOW + 1])
    expected = np.array([0, 0, 0.5, 1, 1])[:, None] + 0 * LOW
    np.testing.assert_allclose(np.asarray(certainty(values)), expected, atol=1e-6)


@pytest.mark.parametrize(("kind", "certain"), [("noise", 1), ("sepia", 0)])
def test_detail_is_degraded_only_if_one_of_its_kinds_is(kind, certain):
    probabilities = np.zeros((1, DETAIL + 1), np.float32)
    probabilities[0, [KINDS.index(kind), DETAIL]] = 1
    assert np.asarray(certainty(probabilities))[0, DETAIL] == certain
