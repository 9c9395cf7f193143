"""Batches of the restoration model: crops with the features of their region, and feature rows."""

from types import SimpleNamespace

import numpy as np
import pytest
from skimage import data

from stylefuse.data.batches import arrays
from stylefuse.images.arrays import to_uint8
from stylefuse.inference.degradation_features import FEATURE_COUNT, degradation_features
from stylefuse.models.restore import batches as module
from stylefuse.models.restore.batches import (
    ROWS_PER_KIMG,
    ROWS_PER_STEP,
    RestoreBatches,
)
from stylefuse.models.restore.degradation import COLOURS, KINDS
from stylefuse.models.restore.feature_dataset import POINTS


@pytest.fixture
def batches(tmp_path):
    tile = np.ascontiguousarray(data.astronaut()[:64, 64:128])
    np.save(tmp_path / "train_photograph.npy", np.stack([tile] * 3))
    settings = SimpleNamespace(domains=("photograph",), crop=32, batch=6, kimg=1)
    return RestoreBatches(tmp_path, "train", settings, 0)


def test_features_are_those_of_the_region_that_a_crop_is_cut_from(batches, monkeypatch):
    regions = []
    monkeypatch.setattr(
        module, "degradation_features", lambda x: regions.append(x) or degradation_features(x)
    )
    batch = batches.at(3)
    assert batch.degraded.shape == batch.toned.shape == (6, 32, 32, 3)
    assert batch.labels.shape == (6, len(KINDS))
    assert len({region.shape for region in regions}) > 1
    for crop, features, region in zip(batch.degraded, batch.features, regions, strict=True):
        np.testing.assert_array_equal(features, degradation_features(region))
        windows = np.lib.stride_tricks.sliding_window_view(region, (32, 32, 3))[::8, ::8, 0]
        assert (windows == to_uint8(crop)).all(axis=(2, 3, 4)).any()


def test_a_batch_is_a_pure_function_of_the_step(batches):
    for first, second in zip(arrays(batches.at(3)), arrays(batches.at(3)), strict=True):
        np.testing.assert_array_equal(first, second)


def test_the_feature_dataset_has_random_degradations_and_degraded_colours(batches):
    features, labels, points = batches.dataset
    assert features.shape == (2, ROWS_PER_KIMG, FEATURE_COUNT)
    assert points.shape == (2, ROWS_PER_KIMG, 2, POINTS, 3)
    assert labels[0].sum(axis=0).min() > 0  # every kind is in the first half
    assert labels[1][:, [kind in COLOURS for kind in KINDS]].any(axis=1).all()
    assert 0.3 < labels[1][:, [kind not in COLOURS for kind in KINDS]].any(axis=1).mean() < 0.7
    clean = ~labels[0].any(axis=1)
    np.testing.assert_array_equal(points[0, clean, 0], points[0, clean, 1])
    assert np.abs(points[1, :, 0] - points[1, :, 1]).max(axis=(1, 2)).mean() > 0.1


def test_a_batch_has_rows_of_the_feature_dataset(batches):
    batch, dataset = batches.at(0), batches.dataset
    rows = [
        next(row for row, p in enumerate(dataset.points[1]) if np.array_equal(p, points))
        for points in batch.row_points
    ]
    np.testing.assert_allclose(batch.row_features[ROWS_PER_STEP:], dataset.features[1][rows])
    np.testing.assert_array_equal(batch.row_labels[ROWS_PER_STEP:], dataset.labels[1][rows])
