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
from stylefuse.models.restore.degradation import (
    CHAIN,
    COLOURS,
    DETAIL,
    KINDS,
    RARE,
    degrade,
    degrade_colours,
    degrade_randomly,
    degrade_with,
    random_kinds,
)

PHOTOGRAPH = np.asarray(Image.fromarray(astronaut()).resize((256, 256), Image.Resampling.LANCZOS))
CROP = PHOTOGRAPH[16:80, 80:144]
SEEDS = st.integers(0, 2**31 - 1)
SIDES = st.integers(32, 90)


def rng(seed):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20, deadline=None)
@given(height=SIDES, width=SIDES, seed=SEEDS, wide=st.booleans())
def test_a_degradation_keeps_the_shape_and_is_deterministic(kind, height, width, seed, wide):
    picture = PHOTOGRAPH[10 : 10 + height, 60 : 60 + width]
    before = picture.copy()
    degraded = degrade(picture, kind, rng(seed), wide)
    assert degraded.shape == (height, width, 3)
    assert degraded.dtype == np.uint8
    np.testing.assert_array_equal(degraded, degrade(before, kind, rng(seed), wide))
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
        ("grain", 20, 36),
        ("halftone", 20, 37),
        ("cast", 10, 40),
        ("folds", 17, 45),
        ("stains", 14, 45),
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


def test_kinds_are_in_one_table():
    assert sorted(KINDS) == sorted(DETAIL | COLOURS)
    assert not DETAIL.keys() & COLOURS.keys()


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS)
def test_random_degradations_are_deterministic(seed):
    first, second = (degrade_randomly(CROP, rng(seed)) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.picture.shape == first.toned.shape == CROP.shape
    assert first.picture.dtype == first.toned.dtype == np.uint8


@pytest.fixture
def draws(monkeypatch):
    """The kinds of 6000 random degradations, in the order in which they were applied."""
    applied = []
    monkeypatch.setattr(
        degradation, "degrade", lambda picture, kind, *_: applied.append(kind) or picture
    )
    result, source = [], rng(0)
    for _ in range(6000):
        applied.clear()
        labels = degrade_randomly(CROP, source).labels
        assert set(applied) == {kind for kind, label in zip(KINDS, labels, strict=True) if label}
        result.append(tuple(applied))  # a colour kind is applied to the target too
    return result


def test_a_quarter_of_the_pictures_is_clean_and_the_others_have_any_order(draws):
    assert draws.count(()) / len(draws) == pytest.approx(0.25, abs=0.02)
    single = Counter(kinds[0] for kinds in draws if len(set(kinds)) == 1)
    assert set(single) == set(KINDS)
    rare = [single[kind] for kind in RARE]
    frequent = [count for kind, count in single.items() if kind not in RARE]
    assert max(rare) < 1.3 * min(frequent)
    pairs = {kinds for kinds in draws if len(kinds) == 2 and set(kinds) == {"blur", "noise"}}
    assert pairs == {("blur", "noise"), ("noise", "blur")}
    twice = [kinds for kinds in draws if max(map(kinds.count, CHAIN)) == 2]
    assert len(twice) > 200  # the second-order model
    assert max(len(set(kinds)) for kinds in draws) >= 4


def test_the_target_has_the_degraded_colours_and_undamaged_detail():
    result = degrade_with(CROP, ["noise", "fading", "scratches"], rng(3))
    assert [KINDS[i] for i in np.flatnonzero(result.labels)] == ["noise", "fading", "scratches"]
    colours = {tuple(colour) for colour in CROP.reshape(-1, 3)}
    assert len({tuple(colour) for colour in result.toned.reshape(-1, 3)}) <= len(colours)
    assert np.ptp(result.toned) < np.ptp(CROP)  # faded
    np.testing.assert_array_equal(degrade_with(CROP, ["blur"], rng(3)).toned, CROP)
    only_colours = degrade_with(CROP, ["sepia", "cast"], rng(3))
    np.testing.assert_array_equal(only_colours.picture, only_colours.toned)
    np.testing.assert_array_equal(degrade_with(CROP, [], rng(3)).picture, CROP)


def test_random_kinds_are_different():
    for seed in range(50):
        assert len(set(random_kinds(4, rng(seed)))) == 4


def test_colours_are_degraded_always_and_detail_half_of_the_time():
    source = rng(0)
    is_colour = np.array([kind in COLOURS for kind in KINDS])
    labels = np.array([degrade_colours(CROP, source).labels for _ in range(200)])
    assert (labels[:, is_colour].sum(axis=1) >= 1).all()
    assert labels[:, ~is_colour].any(axis=1).mean() == pytest.approx(0.5, abs=0.12)
