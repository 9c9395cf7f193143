"""Restoration networks: shapes, saving, and a generator that starts by changing almost nothing."""

import numpy as np
import pytest
from skimage import data

from stylefuse.images.arrays import to_float, to_uint8
from stylefuse.inference.degradation_features import FEATURE_COUNT, degradation_features
from stylefuse.models.restore import TASK
from stylefuse.models.restore.classical_filters import BLUR_SIGMAS
from stylefuse.models.restore.degradation import KINDS
from stylefuse.models.restore.networks import (
    RestoreDiscriminator,
    RestoreGenerator,
    depth_to_space,
    space_to_depth,
)
from tests.support.layer_harness import check_layer

PICTURES = (2, 32, 48, 3)


@pytest.mark.parametrize(
    ("make", "shapes", "output"),
    [
        (lambda: RestoreGenerator(4, 1, 8), [PICTURES, (2, FEATURE_COUNT)], PICTURES),
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


def test_a_new_generator_that_recognises_no_degradation_changes_almost_nothing():
    generator = TASK.build_generator(width=4, blocks=1, code=8)
    generator.recognise.last.bias.assign(np.full(len(KINDS), -20.0, np.float32))
    generator.sharpen.bias.assign(20 * np.eye(1 + len(BLUR_SIGMAS))[0])
    photo = data.astronaut()[:256, 64:320]
    features = degradation_features(photo)[None]
    restored = to_uint8(np.asarray(generator(to_float(photo[None]), features)))[0]
    change = np.abs(restored.astype(int) - photo)
    assert change.mean() < 2  # denoising thresholds start at e^−5, not at 0
    assert change.max() <= 12
