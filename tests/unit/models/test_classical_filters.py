"""Classical filters: each undoes its degradation."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage import data

from stylefuse.evaluation.metrics.psnr import psnr
from stylefuse.images.arrays import to_float, to_uint8
from stylefuse.inference.degradation_features import degradation_features
from stylefuse.models.layers.colour import from_opponent, to_opponent
from stylefuse.models.restore.classical_filters import (
    BAND_SIGMAS,
    BLUR_SIGMAS,
    denoise,
    detail_bands,
    sharpen,
    thin_structures,
    unfade,
)
from stylefuse.models.restore.degradation import degrade

PHOTO = data.astronaut()[:256, 64:320]


def blurred(sigma):
    """The photograph, blurred by a true Gaussian; Pillow's is a sum of boxes."""
    blurry = gaussian_filter(PHOTO.astype(float), (sigma, sigma, 0), mode="mirror")
    return np.rint(blurry).astype(np.uint8)


def test_bands_add_up_to_the_picture_minus_its_widest_blur():
    x = to_float(PHOTO[None])
    total = np.asarray(detail_bands(x)).sum(-1)
    blurry = to_float(blurred(BAND_SIGMAS[-1]))
    np.testing.assert_allclose(total[0], x[0] - blurry, atol=0.05)  # kernels end at 9 pixels


@pytest.mark.parametrize("number", range(len(BLUR_SIGMAS)))
def test_an_inverse_filter_undoes_its_blur(number):
    blurry = blurred(BLUR_SIGMAS[number])
    shares = np.eye(len(BLUR_SIGMAS), dtype=np.float32)[number][None]
    x = to_opponent(to_float(blurry[None]))
    change = sharpen(detail_bands(x), shares)
    sharp = to_uint8(np.asarray(from_opponent(x + change)))[0]
    assert psnr(PHOTO, sharp) > psnr(PHOTO, blurry) + 1


def test_thresholds_remove_noise_and_zero_thresholds_change_nothing():
    noise = np.random.default_rng(0).normal(0, 15, PHOTO.shape)
    noisy = np.clip(PHOTO + noise, 0, 255).astype(np.uint8)
    x = to_opponent(to_float(noisy[None]))
    bands = detail_bands(x)
    thresholds = np.zeros((1, 3, len(BAND_SIGMAS)), np.float32)
    assert not np.asarray(denoise(bands, thresholds, 1 + thresholds)).any()
    thresholds[..., :2] = 0.15
    change = denoise(bands, thresholds, np.ones_like(thresholds))
    denoised = to_uint8(np.asarray(from_opponent(x + change)))[0]
    assert psnr(PHOTO, denoised) > psnr(PHOTO, noisy) + 2


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
