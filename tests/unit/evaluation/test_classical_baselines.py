"""Classical restoration: every kind of degradation has methods, and they restore pictures."""

import numpy as np
import pytest
from PIL import Image, ImageFilter
from skimage.data import astronaut
from skimage.metrics import peak_signal_noise_ratio

from stylefuse.evaluation.baselines.classical import CLASSICAL, blur_width
from stylefuse.models.restore.degradation import FREQUENT, degrade

PHOTOGRAPH = np.asarray(Image.fromarray(astronaut()).resize((256, 256), Image.Resampling.LANCZOS))
METHODS = [(kind, name) for kind, methods in CLASSICAL.items() for name in methods]


def degraded(picture, kind, seed=0):
    return degrade(picture, kind, np.random.default_rng(seed))


def test_every_frequent_kind_of_degradation_has_several_methods():
    assert set(CLASSICAL) == set(FREQUENT)
    assert all(len(methods) > 1 for methods in CLASSICAL.values())


@pytest.mark.parametrize(("kind", "name"), METHODS)
def test_a_method_keeps_shape_and_argument_and_is_deterministic(kind, name):
    picture = degraded(PHOTOGRAPH[20:117, 60:193], kind)
    before = picture.copy()
    restored = CLASSICAL[kind][name](picture)
    assert restored.shape == picture.shape
    assert restored.dtype == np.uint8
    np.testing.assert_array_equal(picture, before)
    np.testing.assert_array_equal(restored, CLASSICAL[kind][name](picture))


@pytest.mark.parametrize(("kind", "name"), METHODS)
def test_a_flat_picture_stays_flat(kind, name):
    flat = np.full((48, 64, 3), 128, np.uint8)
    restored = CLASSICAL[kind][name](flat)
    assert restored.shape == flat.shape
    assert np.ptp(restored) <= 1


@pytest.mark.parametrize(
    ("kind", "gain"),
    [
        ("blur", 1),
        ("small", 0.2),
        ("noise", 3),
        ("fading", 3),
        ("scratches", 1),
        ("jpeg", 0.2),
    ],
)
def test_the_best_method_gains_on_a_photograph(kind, gain):
    """Mean PSNR over three strengths. Sepia is left out: the original colours are lost."""
    pictures = [degraded(PHOTOGRAPH, kind, seed) for seed in range(3)]

    def mean_psnr(method):
        return np.mean([peak_signal_noise_ratio(PHOTOGRAPH, method(p)) for p in pictures])

    best = max(mean_psnr(method) for method in CLASSICAL[kind].values())
    assert best > mean_psnr(lambda picture: picture) + gain


@pytest.mark.parametrize("sigma", [1, 1.5, 2, 3])
def test_the_width_of_a_blur_is_estimated(sigma):
    blurred = Image.fromarray(PHOTOGRAPH).filter(ImageFilter.GaussianBlur(sigma))
    assert blur_width(np.asarray(blurred)) == pytest.approx(sigma, rel=0.25)
    assert blur_width(PHOTOGRAPH) < 0.7


def test_grey_world_gives_the_channels_one_mean():
    restored = CLASSICAL["sepia"]["grey world"](degraded(PHOTOGRAPH // 2, "sepia"))
    assert np.ptp(restored.mean((0, 1))) < 2


def test_auto_contrast_undoes_a_linear_fading():
    faded = (PHOTOGRAPH * np.array([0.5, 0.6, 0.4]) + [90, 40, 70]).astype(np.uint8)
    restored = CLASSICAL["fading"]["auto-contrast"](faded)
    assert peak_signal_noise_ratio(PHOTOGRAPH, restored) > 40


def test_inpainting_leaves_unscratched_parts_unchanged():
    y, x = np.mgrid[:96, :96]
    ramp = np.repeat((y + x)[..., None], 3, axis=2).astype(np.uint8)
    scratched = ramp.copy()
    scratched[10:80, 40:42] = 255
    for name in CLASSICAL["scratches"].keys() - {"median filter"}:
        restored = CLASSICAL["scratches"][name](scratched)
        far = np.abs(x - 41) > 6
        np.testing.assert_array_equal(restored[far], ramp[far])
        assert np.abs(restored.astype(int) - ramp).max() < 12
