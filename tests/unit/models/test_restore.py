"""What is measured of damaged pictures, the remedies in closed form, and the artist's tiles."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data

from stylefuse.data.batches import arrays
from stylefuse.evaluation.metrics.psnr import psnr
from stylefuse.images.arrays import to_float, to_levels
from stylefuse.inference import tiles
from stylefuse.inference.degradation_features import (
    SIZE,
    degradation_features,
    mean_of,
    range_of,
)
from stylefuse.inference.restore import RestorePredictor
from stylefuse.models.layers.colour import from_opponent, to_opponent
from stylefuse.models.restore import TASK
from stylefuse.models.restore import classical_filters as remedies
from stylefuse.models.restore.batches import PER_STEP, STUDIES_PER_KIMG
from stylefuse.models.restore.degradation import KINDS, degrade
from stylefuse.models.restore.feature_dataset import POINTS

PHOTO = data.astronaut()[:256, 64:320]


def rng(seed=0):
    return np.random.default_rng(seed)


# --- evidence ---


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 640)])
def test_evidence_is_finite_whatever_the_picture(size):
    for level in (0, 128, 255):
        measured = degradation_features(np.full((*size, 3), level, np.uint8))
        assert measured.shape == (SIZE,)
        assert measured.dtype == np.float32
        assert np.isfinite(measured).all()


def test_mean_and_range_are_those_of_the_picture():
    measured = degradation_features(PHOTO)[None]
    x = to_float(PHOTO).reshape(-1, 3).astype(float)
    np.testing.assert_allclose(mean_of(measured)[0], x.mean(0), atol=1e-5)
    for found, wanted in zip(range_of(measured), (x.min(0), x.max(0)), strict=True):
        np.testing.assert_allclose(found[0], wanted, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_each_damage_shows_in_the_evidence(kind):
    """It moves further than a mirrored copy or another part of the scene does."""
    whole, degraded = degradation_features(PHOTO), degradation_features(degrade(PHOTO, kind, rng()))
    alike = [
        degradation_features(np.ascontiguousarray(PHOTO[:, ::-1])),
        degradation_features(PHOTO[8:248, 8:248]),
    ]
    ordinary = max(np.abs(other - whole).max() for other in alike)
    assert np.abs(degraded - whole).max() > 1.5 * ordinary


# --- remedies ---


def test_bands_add_up_to_the_picture_less_its_widest_blur():
    x = to_float(PHOTO[None])
    total = np.asarray(remedies.detail_bands(x)).sum(-1)
    soft = to_float(_blurred(remedies.WIDTHS[-1]))
    np.testing.assert_allclose(total[0], x[0] - soft, atol=0.05)  # its kernel ends at 9 pixels


@pytest.mark.parametrize("number", range(len(remedies.BLURS)))
def test_an_inverse_filter_undoes_its_blur(number):
    blurred = _blurred(remedies.BLURS[number])
    shares = np.eye(len(remedies.BLURS), dtype=np.float32)[number][None]
    x = to_opponent(to_float(blurred[None]))
    added = remedies.sharpening(remedies.detail_bands(x), shares)
    sharp = to_levels(np.asarray(from_opponent(x + added)))[0]
    gained = psnr(PHOTO, sharp) - psnr(PHOTO, blurred)
    assert gained > 1


def _blurred(sigma):
    """By the Gaussian itself; Pillow's is a sum of boxes."""
    soft = gaussian_filter(PHOTO.astype(float), (sigma, sigma, 0), mode="mirror")
    return np.rint(soft).astype(np.uint8)


def test_thresholds_take_noise_away_and_none_changes_nothing():
    noisy = np.clip(PHOTO + rng().normal(0, 15, PHOTO.shape), 0, 255).astype(np.uint8)
    x = to_opponent(to_float(noisy[None]))
    bands = remedies.detail_bands(x)
    limits = np.zeros((1, 3, len(remedies.WIDTHS)), np.float32)
    assert not np.asarray(remedies.denoising(bands, limits, 1 + limits)).any()
    limits[..., :2] = 0.15
    change = remedies.denoising(bands, limits, np.ones_like(limits))
    calm = to_levels(np.asarray(from_opponent(x + change)))[0]
    assert psnr(PHOTO, calm) > psnr(PHOTO, noisy) + 2


def test_thin_things_are_lines_and_no_areas():
    x = np.zeros((1, 32, 32, 3), np.float32)
    x[:, 10] = 1  # a bright line
    x[:, :, 20:28] = 0.5  # a wide stripe
    x[:, 10, 20:28] = 1
    light, dark = (np.asarray(part) for part in remedies.thin_things(x))
    assert (light[0, 10, :18] == 1).all()
    assert (light[0, 10, 20:28] == 0.5).all()
    assert not light[0, :9].any()
    assert not dark.any()


def test_fading_is_stretched_and_bent_without_being_told_how():
    faded = degrade(PHOTO, "fading", rng())
    measured, nothing = degradation_features(faded)[None], np.zeros((1, 9), np.float32)
    clear = to_levels(np.asarray(remedies.unfaded(to_float(faded[None]), measured, nothing)))[0]
    assert psnr(PHOTO, clear) > psnr(PHOTO, faded) + 3


# --- network and artist ---


@pytest.fixture(scope="module")
def generator():
    network = TASK.build_generator(width=4, blocks=1, code=8)
    for weight in network.trainable_variables:  # heads begin at zero, and would change nothing
        weight.assign(weight + 0.1 * rng(weight.shape[-1]).standard_normal(weight.shape))
    return network


def test_a_new_network_leaves_a_picture_as_it_is_but_for_what_it_takes_for_damage():
    network = TASK.build_generator(width=4, blocks=1, code=8)
    network.recognise.last.bias.assign(np.full(len(KINDS), -20.0, np.float32))
    network.sharpen.bias.assign(20 * np.eye(1 + len(remedies.BLURS))[0])
    restored = RestorePredictor(network, 512).render(PHOTO)
    change = np.abs(restored.astype(int) - PHOTO)
    assert change.mean() < 2  # thresholds begin at e^−5, not at nothing
    assert change.max() <= 12


def test_a_picture_larger_than_a_tile_has_no_seam(generator, monkeypatch):
    predictor = RestorePredictor(generator, 2048)
    photograph = np.ascontiguousarray(data.astronaut()[:301, :437])
    whole = predictor.render(photograph)
    monkeypatch.setattr(tiles, "TILE", 64)
    assert np.abs(predictor.render(photograph).astype(int) - whole).max() <= 1


def test_strength_is_a_way_from_the_picture_to_the_restored_one(generator):
    predictor, picture = RestorePredictor(generator, 512), Image.fromarray(PHOTO[:64, :64])
    kept, half, restored = (
        np.asarray(predictor.paint({"picture": picture}, TASK.options(strength=s)), float)
        for s in (0, 0.5, 1)
    )
    np.testing.assert_array_equal(kept, PHOTO[:64, :64])
    np.testing.assert_allclose(half, (kept + restored) / 2, atol=1)


@pytest.fixture
def batches(tmp_path: Path):
    from stylefuse.models.restore import batches as pairs

    tile = np.ascontiguousarray(PHOTO[:64, :64])
    np.save(tmp_path / "train_photograph.npy", np.stack([tile] * 3))
    settings = SimpleNamespace(domains=("photograph",), crop=32, batch=6, kimg=1)
    return pairs.RestoreBatches(tmp_path, "train", settings, 0)


def test_a_crop_is_of_what_was_measured(batches, monkeypatch):
    from stylefuse.models.restore import batches as pairs

    seen = []
    monkeypatch.setattr(pairs, "evidence", lambda x: seen.append(x) or degradation_features(x))
    batch = batches.at(3)
    assert batch.degraded.shape == batch.clean.shape == (6, 32, 32, 3)
    assert len({x.shape for x in seen}) > 1  # parts of many sizes
    for degraded, measured, whole in zip(batch.degraded, batch.measured, seen, strict=True):
        np.testing.assert_array_equal(measured, degradation_features(whole))
        cuts = np.lib.stride_tricks.sliding_window_view(whole, (32, 32, 3))[::8, ::8, 0]
        assert (cuts == to_levels(degraded)).all(axis=(2, 3, 4)).any()
    for one, other in zip(arrays(batch), arrays(batches.at(3)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_study_tells_the_damage_and_shows_the_colours(batches):
    measured, kinds, points = batches.study
    rows = STUDIES_PER_KIMG
    assert measured.shape == (2, rows, SIZE)
    assert points.shape == (2, rows, 2, POINTS, 3)
    assert kinds[0].sum(axis=0).min() > 0  # any kind in the first half
    coloured = [KINDS.index("fading"), KINDS.index("sepia")]
    assert kinds[1, :, coloured].any(axis=0).all()
    assert not np.delete(kinds[1], coloured, axis=1).any()
    whole = ~kinds[0].any(axis=1)
    np.testing.assert_array_equal(points[0, whole, 0], points[0, whole, 1])
    assert np.abs(points[1, :, 0] - points[1, :, 1]).max(axis=(1, 2)).min() > 0.02

    batch = batches.at(0)
    np.testing.assert_allclose(batch.studies[PER_STEP:], measured[1][_rows(batch, batches)])
    np.testing.assert_array_equal(batch.kinds[PER_STEP:], kinds[1][_rows(batch, batches)])


def _rows(batch, batches):
    """Which rows of the study a batch holds, by their points."""
    return [
        next(row for row, p in enumerate(batches.study.points[1]) if np.array_equal(p, points))
        for points in batch.points
    ]
