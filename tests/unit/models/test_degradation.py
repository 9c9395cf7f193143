"""Damages: pure functions of the rng that each do what their name says, and no more."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio

from stylefuse.models.restore import degradation as module
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
def test_a_damage_keeps_the_shape_and_depends_on_the_stream_alone(kind, height, width, seed):
    picture = PHOTOGRAPH[10 : 10 + height, 60 : 60 + width]
    before = picture.copy()
    degraded = degrade(picture, kind, rng(seed))
    assert degraded.shape == (height, width, 3)
    assert degraded.dtype == np.uint8
    np.testing.assert_array_equal(degraded, degrade(before, kind, rng(seed)))
    np.testing.assert_array_equal(picture, before)
    assert (degraded != before).any()


@pytest.mark.parametrize(
    ("kind", "least", "most"),
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
def test_every_strength_is_visible_and_leaves_the_scene(kind, least, most):
    values = [
        peak_signal_noise_ratio(PHOTOGRAPH, degrade(PHOTOGRAPH, kind, rng(seed)))
        for seed in range(40)
    ]
    assert least < min(values) < max(values) < most
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
def test_blur_and_small_take_high_frequencies(kind, seed):
    degraded = degrade(PHOTOGRAPH, kind, rng(seed))
    assert power_above(degraded, 0.3) < 0.5 * power_above(PHOTOGRAPH, 0.3)
    assert np.allclose(degraded.mean((0, 1)), PHOTOGRAPH.mean((0, 1)), atol=1.5)


def test_noise_has_the_deviation_that_it_promises():
    grey = np.full((64, 64, 3), 128, np.uint8)
    noises = [degrade(grey, "noise", rng(seed)) - 128.0 for seed in range(200)]
    deviations = np.array([noise.std() for noise in noises])
    assert 4.5 < deviations.min() < 7
    assert 23 < deviations.max() < 26.5
    of_light = np.array([np.ptp(noise, axis=2).max() == 0 for noise in noises])
    assert 0.35 < of_light.mean() < 0.65


def test_some_noise_grows_with_the_light():
    halves = np.repeat(np.array([60, 180], np.uint8), 32)[:, None, None]
    picture = np.broadcast_to(halves, (64, 64, 3))
    dark, light = np.array(
        [
            [half.std() for half in np.split(degrade(picture, "noise", rng(seed)), 2)]
            for seed in range(60)
        ]
    ).T
    ratios = light / dark
    even = np.abs(ratios - 1) < 0.15
    assert 0.3 < even.mean() < 0.7
    np.testing.assert_allclose(ratios[~even], np.sqrt(3), rtol=0.12)


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_fading_narrows_every_channel_and_lifts_the_blacks(seed):
    faded = degrade(PHOTOGRAPH, "fading", rng(seed)).astype(int)
    kept = np.ptp(faded, axis=(0, 1)) / np.ptp(PHOTOGRAPH.astype(int), axis=(0, 1))
    assert (kept > 0.28).all()
    assert (kept < 0.82).all()
    assert (faded.min((0, 1)) > PHOTOGRAPH.min((0, 1))).all()


def colourfulness(picture):
    """Mean distance of the colours from the grey axis, along which a tint only shifts them."""
    x = picture.astype(float)
    opponents = np.stack([x[..., 0] - x[..., 1], x[..., 1] - x[..., 2]])
    return opponents.std(axis=(1, 2)).mean()


@settings(max_examples=30, deadline=None)
@given(seed=SEEDS)
def test_sepia_takes_colour_and_tends_to_brown(seed):
    brown = degrade(PHOTOGRAPH, "sepia", rng(seed))
    assert colourfulness(brown) < 0.75 * colourfulness(PHOTOGRAPH)
    grey = np.full((32, 32, 3), 120, np.uint8)
    red, green, blue = degrade(grey, "sepia", rng(seed))[0, 0].astype(int)
    assert red >= green >= blue
    assert 0.299 * red + 0.587 * green + 0.114 * blue == pytest.approx(120, abs=1)


@settings(max_examples=30, deadline=None)
@given(height=SIDES, width=SIDES, seed=SEEDS)
def test_scratches_touch_few_pixels(height, width, seed):
    grey = np.full((height, width, 3), 128, np.uint8)
    touched = (degrade(grey, "scratches", rng(seed)) != 128).any(axis=2)
    assert 0 < touched.mean() < 0.3


def test_scratches_are_as_dense_in_a_crop_as_in_a_photograph():
    shares = {}
    for side in (64, 256):
        grey = np.full((side, side, 3), 128, np.uint8)
        touched = [degrade(grey, "scratches", rng(seed)) != 128 for seed in range(150)]
        shares[side] = np.mean(touched)
    assert 0.02 < shares[256] < 0.08
    assert shares[64] == pytest.approx(shares[256], rel=0.4)


def test_noise_and_fading_of_a_crop_are_those_of_a_photograph():
    """Strengths are absolute: nothing depends on how large the picture is."""
    whole, part = (np.full((n, n, 3), 128, np.uint8) for n in (256, 64))
    for seed in range(10):
        for kind in ("noise", "fading"):
            a, b = (degrade(picture, kind, rng(seed)) for picture in (whole, part))
            assert a.std() == pytest.approx(b.std(), rel=0.05, abs=0.1)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS)
def test_some_damage_depends_on_the_stream_alone(seed):
    (one, done), (other, again) = (degrade_randomly(CROP, rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(done, again)
    assert one.shape == CROP.shape
    assert one.dtype == np.uint8


def test_some_damage_is_of_few_kinds_in_order_and_all_as_frequent(monkeypatch):
    asked = []
    monkeypatch.setattr(module, "damage", lambda picture, kind, _: asked.append(kind) or picture)
    draws, source = [], rng(0)
    for _ in range(6000):
        asked.clear()
        _, done = degrade_randomly(CROP, source)
        assert asked == [kind for kind, flag in zip(KINDS, done, strict=True) if flag]
        draws.append(tuple(asked))
    for kinds in set(draws):
        assert list(kinds) == sorted(set(kinds), key=KINDS.index)
    counts = Counter(map(len, draws))
    assert set(counts) == {0, 1, 2, 3}
    assert counts[0] / len(draws) == pytest.approx(0.05, abs=0.02)
    assert counts[1] / len(draws) == pytest.approx(0.7, abs=0.03)
    frequencies = Counter(kind for kinds in draws for kind in kinds)
    assert set(frequencies) == set(KINDS)
    assert max(frequencies.values()) < 1.2 * min(frequencies.values())


def test_some_damage_leaves_some_pictures_whole():
    whole = [np.array_equal(degrade_randomly(CROP, rng(seed))[0], CROP) for seed in range(400)]
    assert 0.02 < np.mean(whole) < 0.1


def test_damage_of_colours_is_fading_or_sepia_or_both():
    source = rng(0)
    done = {tuple(degrade_colours(CROP, source)[1]) for _ in range(60)}
    fading, sepia = (np.eye(len(KINDS))[KINDS.index(kind)] for kind in ("fading", "sepia"))
    assert done == {tuple(fading), tuple(sepia), tuple(fading + sepia)}
