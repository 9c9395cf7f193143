"""Degradation features: finite for any picture, and each degradation changes them."""

import numpy as np
import pytest
from skimage import data

from stylefuse.images.arrays import to_float
from stylefuse.inference.degradation_features import (
    FEATURE_COUNT,
    channel_means,
    channel_ranges,
    degradation_features,
)
from stylefuse.models.restore.degradation import KINDS, degrade

PHOTO = data.astronaut()[:256, 64:320]


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 640)])
def test_features_are_finite_for_flat_pictures_of_any_size(size):
    for level in (0, 128, 255):
        features = degradation_features(np.full((*size, 3), level, np.uint8))
        assert features.shape == (FEATURE_COUNT,)
        assert features.dtype == np.float32
        assert np.isfinite(features).all()


def test_channel_means_and_ranges_are_those_of_the_picture():
    features = degradation_features(PHOTO)[None]
    x = to_float(PHOTO).reshape(-1, 3).astype(float)
    np.testing.assert_allclose(channel_means(features)[0], x.mean(0), atol=1e-5)
    for values, expected in zip(channel_ranges(features), (x.min(0), x.max(0)), strict=True):
        np.testing.assert_allclose(values[0], expected, atol=1e-5)


# a soft stain changes the features of a whole picture no more than cropping does
@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"stains"}))
def test_each_degradation_changes_the_features(kind):
    """It changes them more than mirroring or cropping the picture does."""
    clean = degradation_features(PHOTO)
    degraded = degradation_features(degrade(PHOTO, kind, np.random.default_rng(0)))
    similar = [
        degradation_features(np.ascontiguousarray(PHOTO[:, ::-1])),
        degradation_features(PHOTO[8:248, 8:248]),
    ]
    ordinary_change = max(np.abs(features - clean).max() for features in similar)
    assert np.abs(degraded - clean).max() > 1.5 * ordinary_change
