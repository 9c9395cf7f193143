"""Classical filters: each undoes its degradation."""

import numpy as np
from skimage import data

from stylefuse.evaluation.metrics.psnr import psnr
from stylefuse.images.arrays import to_float, to_uint8
from stylefuse.inference.degradation_features import degradation_features
from stylefuse.models.restore.classical_filters import thin_structures, unfade
from stylefuse.models.restore.degradation import degrade

PHOTO = data.astronaut()[:256, 64:320]


def test_thin_structures_are_lines_and_not_areas():
    x = np.zeros((1, 32, 32, 3), np.float32)
    x[:, 10] = 1  # a bright line
    x[:, :, 20:28] = 0.5  # a wide stripe
    x[:, 10, 20:28] = 1
    light, dark = (np.asarray(part) for part in thin_structures(x))
    assert (light[0, 10, :18] == 1).all()
    assert (light[0, 10, 20:28] == 0.5).all()
    assert not light[0, :9].any()
    assert not dark.any()


def test_fading_is_reduced_without_a_predicted_change():
    faded = degrade(PHOTO, "fading", np.random.default_rng(0))
    features, no_change = degradation_features(faded)[None], np.zeros((1, 9), np.float32)
    restored = to_uint8(np.asarray(unfade(to_float(faded[None]), features, no_change)))[0]
    assert psnr(PHOTO, restored) > psnr(PHOTO, faded) + 3
