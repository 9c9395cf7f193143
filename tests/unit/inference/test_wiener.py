"""The Wiener filter: it measures blur and noise of a photograph, and undoes both."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.data import astronaut

from stylefuse.evaluation.metrics.psnr import psnr
from stylefuse.inference.cosine_transform import dct
from stylefuse.inference.degradation_features import analyse
from stylefuse.inference.wiener import MAX_SIGMA, blur_sigma

PHOTOGRAPH = np.asarray(Image.fromarray(astronaut()).resize((256, 256), Image.Resampling.LANCZOS))


def blurred(sigma):
    blurry = gaussian_filter(PHOTOGRAPH.astype(float), (sigma, sigma, 0), mode="mirror")
    return np.rint(blurry).astype(np.uint8)


def noisy(sigma):
    noise = np.random.default_rng(0).normal(0, sigma, PHOTOGRAPH.shape)
    return np.clip(np.rint(PHOTOGRAPH + noise), 0, 255).astype(np.uint8)


def spectrum(picture):
    return dct(dct(picture.mean(axis=2).astype(np.float32) - 128, 1), 0)


def test_more_blur_is_measured_as_more():
    estimates = [blur_sigma(spectrum(blurred(sigma)), 0.3) for sigma in (0.01, 0.8, 1.5, 2.5)]
    assert estimates == sorted(estimates)
    assert estimates[0] < 0.8
    assert estimates[2] == pytest.approx(1.5, abs=0.5)


@pytest.mark.parametrize("sigma", [1, 2, 3])
def test_blur_is_reduced(sigma):
    blurry = blurred(sigma)
    assert psnr(PHOTOGRAPH, analyse(blurry).filtered) > psnr(PHOTOGRAPH, blurry) + 1


@pytest.mark.parametrize("sigma", [10, 25])
def test_noise_is_reduced(sigma):
    picture = noisy(sigma)
    assert psnr(PHOTOGRAPH, analyse(picture).filtered) > psnr(PHOTOGRAPH, picture) + 2


def test_a_flat_picture_stays_flat_and_noise_alone_gives_finite_values():
    flat = np.full((40, 56, 3), 90, np.uint8)
    np.testing.assert_array_equal(analyse(flat).filtered, flat)
    noise = np.random.default_rng(0).integers(0, 256, (33, 64, 3), np.uint8)
    features, filtered = analyse(noise)
    assert np.isfinite(features).all()
    assert features[-1] + 1 <= MAX_SIGMA
    assert filtered.shape == noise.shape
