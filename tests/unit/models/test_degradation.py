"""Degradations: deterministic for a random generator, and each does what its name says."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio

from stylefuse.models.restore import degradation
from stylefuse.models.restore.degradation import KINDS, degrade, degrade_colours, degrade_randomly

PHOTOGRAPH = np.asarray(Image.fromarray(astronaut()).resize((256, 256), Image.Resampling.LANCZOS))
CROP = PHOTOGRAPH[16:80, 80:144]
SEEDS = st.integers(0, 2**31 - 1)
SIDES = st.integers(32, 90)


def rng(seed):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20, deadline=None)
@given(height=SIDES, width=SIDES, seed=SEEDS)
def test_a_degradation_keeps_the_shape_and_is_deterministic(kind, height, width, seed):
    picture = PHOTOGRAPH[10 : 10 + height, 60 : 60 + width]
    before = picture.copy()
    degraded = degrade(picture, kind, rng(seed))
    assert degraded.shape == (height, width, 3)
    assert degraded.dtype == np.uint8
    np.testing.assert_array_equal(degraded, degrade(before, kind, rng(seed)))
    np.testing.assert_array_equal(picture, before)
    assert (degraded != before).any()


@pytest.mark.parametrize(
    ("kind", "min_psnr", "max_psnr"),
    [
        ("blur", 18, 40),
        ("small", 18, 30),
        ("noise", 19, 36),
        ("fading", 8, 25),
        ("sepia", 14, 30),
        ("scratches", 16, 35),
        ("jpeg", 23, 34),
    ],
)
def test_every_strength_is_visible_and_keeps_the_scene(kind, min_psnr, max_psnr):
    values = [
        peak_signal_noise_ratio(PHOTOGRAPH, degrade(PHOTOGRAPH, kind, rng(seed)))
        for seed in range(40)
    ]
    assert min_psnr < min(values) < max(values) < max_psnr
    assert np.ptp(values) > 2  # strengths differ


def test_an_unknown_kind_is_refused():
    with pytest.raises(KeyError, match="mould"):
        degrade(CROP, "mould", rng(0))


def power_above(picture, frequency):
    """Spectral power of the mean channel above a frequency in cycles per pixel."""
    spectrum = np.abs(np.fft.fft2(picture.mean(axis=2))) ** 2
    y, x = (np.fft.fftfreq(n) for n in picture.shape[:2])
    return spectrum[np.hypot(y[:, None], x) > frequency].sum()


@pytest.mark.parametrize("kind", ["blur", "small"])
@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_blur_and_low_resolution_remove_high_frequencies(kind, seed):
    degraded = degrade(PHOTOGRAPH, kind, rng(seed))
    assert power_above(degraded, 0.3) < 0.5 * power_above(PHOTOGRAPH, 0.3)
    assert np.allclose(degraded.mean((0, 1)), PHOTOGRAPH.mean((0, 1)), atol=1.5)


def test_noise_has_the_documented_deviation():
    grey = np.full((64, 64, 3), 128, np.uint8)
    noises = [degrade(grey, "noise", rng(seed)) - 128.0 for seed in range(200)]
    deviations = np.array([noise.std() for noise in noises])
    assert 4.5 < deviations.min() < 7
    assert 23 < deviations.max() < 26.5
    luminance_only = np.array([np.ptp(noise, axis=2).max() == 0 for noise in noises])
    assert 0.35 < luminance_only.mean() < 0.65


def test_some_noise_increases_with_brightness():
    halves = np.repeat(np.array([60, 180], np.uint8), 32)[:, None, None]
    picture = np.broadcast_to(halves, (64, 64, 3))
    dark, light = np.array(
        [
            [half.std() for half in np.split(degrade(picture, "noise", rng(seed)), 2)]
            for seed in range(60)
        ]
    ).T
    ratios = light / dark
    constant = np.abs(ratios - 1) < 0.15
    assert 0.3 < constant.mean() < 0.7
    np.testing.assert_allclose(ratios[~constant], np.sqrt(3), rtol=0.12)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_fading_narrows_every_channel_and_lifts_the_blacks(seed):
    faded = degrade(PHOTOGRAPH, "fading", rng(seed)).astype(int)
    range_ratios = np.ptp(faded, axis=(0, 1)) / np.ptp(PHOTOGRAPH.astype(int), axis=(0, 1))
    assert (range_ratios > 0.28).all()
    assert (range_ratios < 0.82).all()
    assert (faded.min((0, 1)) > PHOTOGRAPH.min((0, 1))).all()


def colourfulness(picture):
    """Mean deviation of the colour differences; a uniform tint does not change it."""
    x = picture.astype(float)
    opponents = np.stack([x[..., 0] - x[..., 1], x[..., 1] - x[..., 2]])
    return opponents.std(axis=(1, 2)).mean()


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_sepia_removes_colour_and_tints_brown(seed):
    brown = degrade(PHOTOGRAPH, "sepia", rng(seed))
    assert colourfulness(brown) < 0.75 * colourfulness(PHOTOGRAPH)
    grey = np.full((32, 32, 3), 120, np.uint8)
    red, green, blue = degrade(grey, "sepia", rng(seed))[0, 0].astype(int)
    assert red >= green >= blue
    assert 0.299 * red + 0.587 * green + 0.114 * blue == pytest.approx(120, abs=1)


@settings(max_examples=30, deadline=None)
@given(height=SIDES, width=SIDES, seed=SEEDS)
def test_scratches_cover_few_pixels(height, width, seed):
    grey = np.full((height, width, 3), 128, np.uint8)
    changed = (degrade(grey, "scratches", rng(seed)) != 128).any(axis=2)
    assert 0 < changed.mean() < 0.3


def test_scratches_are_as_dense_in_small_pictures_as_in_large_ones():
    shares = {}
    for side in (64, 256):
        grey = np.full((side, side, 3), 128, np.uint8)
        changed = [degrade(grey, "scratches", rng(seed)) != 128 for seed in range(150)]
        shares[side] = np.mean(changed)
    assert 0.02 < shares[256] < 0.08
    assert shares[64] == pytest.approx(shares[256], rel=0.4)


def test_noise_and_fading_do_not_depend_on_the_size():
    large, small = (np.full((n, n, 3), 128, np.uint8) for n in (256, 64))
    for seed in range(10):
        for kind in ("noise", "fading"):
            a, b = (degrade(picture, kind, rng(seed)) for picture in (large, small))
            assert a.std() == pytest.approx(b.std(), rel=0.05, abs=0.1)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS)
def test_random_degradations_are_deterministic(seed):
    (first, labels), (second, same_labels) = (degrade_randomly(CROP, rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(labels, same_labels)
    assert first.shape == CROP.shape
    assert first.dtype == np.uint8


def test_random_degradations_are_up_to_three_kinds_in_order_and_equally_frequent(monkeypatch):
    applied = []
    monkeypatch.setattr(
        degradation, "degrade", lambda picture, kind, _: applied.append(kind) or picture
    )
    draws, source = [], rng(0)
    for _ in range(6000):
        applied.clear()
        _, labels = degrade_randomly(CROP, source)
        assert applied == [kind for kind, label in zip(KINDS, labels, strict=True) if label]
        draws.append(tuple(applied))
    for kinds in set(draws):
        assert list(kinds) == sorted(set(kinds), key=KINDS.index)
    counts = Counter(map(len, draws))
    assert set(counts) == {0, 1, 2, 3}
    assert counts[0] / len(draws) == pytest.approx(0.05, abs=0.02)
    assert counts[1] / len(draws) == pytest.approx(0.7, abs=0.03)
    frequencies = Counter(kind for kinds in draws for kind in kinds)
    assert set(frequencies) == set(KINDS)
    assert max(frequencies.values()) < 1.2 * min(frequencies.values())


def test_few_pictures_are_not_degraded():
    clean = [np.array_equal(degrade_randomly(CROP, rng(seed))[0], CROP) for seed in range(400)]
    assert 0.02 < np.mean(clean) < 0.1


def test_colours_are_degraded_by_fading_or_sepia_or_both():
    source = rng(0)
    labels = {tuple(degrade_colours(CROP, source)[1]) for _ in range(60)}
    fading, sepia = (np.eye(len(KINDS))[KINDS.index(kind)] for kind in ("fading", "sepia"))
    assert labels == {tuple(fading), tuple(sepia), tuple(fading + sepia)}
