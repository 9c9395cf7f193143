"""Metrics compared with values computed by hand, by definition, or by another library."""

import numpy as np
import pytest
from scipy import linalg

from stylefuse.evaluation.metrics.fid import frechet_distance
from stylefuse.evaluation.metrics.kid import kernel_distance
from stylefuse.evaluation.metrics.patch_retrieval import patch_retrieval
from stylefuse.evaluation.metrics.psnr import psnr
from stylefuse.evaluation.metrics.ssim import low_pass_ssim, luminance, ssim

RNG = np.random.default_rng(0)
PICTURE = RNG.integers(0, 256, (96, 128, 3), dtype=np.uint8)


def test_luminance_is_itu_601():
    red, green, blue = (np.full((2, 2, 3), colour, np.uint8) for colour in np.eye(3) * 255)
    levels = [luminance(p)[0, 0] for p in (red, green, blue)]
    assert levels == [76, 150, 29]


def test_ssim_of_flat_pictures_is_the_luminance_term():
    """Without contrast eq. 13 leaves (2ab + C1) / (a² + b² + C1), with C1 = (0.01·255)²."""
    a, b = 100, 150
    flat = [np.full((32, 32, 3), level, np.uint8) for level in (a, b)]
    c1 = 2.55**2
    assert ssim(*flat) == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1), abs=1e-6)
    assert ssim(PICTURE, PICTURE) == pytest.approx(1)


def test_psnr_by_hand_and_of_equal_pictures():
    flat = np.full((8, 8, 3), 100, np.uint8)
    assert psnr(flat, flat + 10) == pytest.approx(20 * np.log10(255 / 10))
    assert psnr(flat + 10, flat) == psnr(flat, flat + 10)  # uint8 does not wrap
    redder = flat.copy()
    redder[..., 0] += 30
    assert psnr(flat, redder) == pytest.approx(20 * np.log10(255 / np.sqrt(300)))
    assert psnr(flat, flat) == pytest.approx(58.92, abs=0.01)


def test_low_pass_ssim_ignores_texture_and_detects_another_scene():
    y, x = np.mgrid[:128, :128] * (2 * np.pi / 96)
    scene = np.repeat(127 + 60 * (np.sin(x) + np.sin(y))[..., None], 3, axis=2).astype(np.uint8)
    grain = RNG.integers(-60, 61, (128, 128, 1))
    textured = np.clip(scene + grain, 0, 255).astype(np.uint8)
    assert ssim(scene, textured) < 0.3
    assert low_pass_ssim(scene, textured) > 0.95
    assert low_pass_ssim(scene, 254 - scene) < 0.5


def test_patches_are_found_again_whatever_brightness_and_contrast():
    assert patch_retrieval(PICTURE // 2 + 30, PICTURE) == 1
    unrelated = RNG.integers(0, 256, (512, 512, 3), dtype=np.uint8)
    other = RNG.integers(0, 256, (512, 512, 3), dtype=np.uint8)
    assert patch_retrieval(unrelated, other) < 0.05


def test_frechet_distance_by_the_formula_with_a_matrix_root():
    a, b = RNG.normal(size=(80, 5)), RNG.normal(0.5, 2, size=(60, 5))
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    root = linalg.sqrtm(cov_a @ cov_b).real
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(cov_a + cov_b - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_kernel_distance_by_the_double_sum():
    a, b = RNG.normal(size=(6, 4)), RNG.normal(1, 1, size=(6, 4))

    def kernel(u, v):
        return (u @ v / 4 + 1) ** 3

    within = [
        np.mean([kernel(x[i], x[j]) for i in range(6) for j in range(6) if i != j]) for x in (a, b)
    ]
    between = np.mean([kernel(u, v) for u in a for v in b])
    value, deviation = kernel_distance(a, b, subset_size=6, subsets=3, seed=0)
    assert value == pytest.approx(sum(within) - 2 * between)
    assert deviation == pytest.approx(0, abs=1e-9)  # every subset is the whole set


def test_kernel_distance_is_unbiased_and_seeded():
    same = [kernel_distance(*RNG.normal(size=(2, 200, 8)), 50, 20, seed)[0] for seed in range(20)]
    apart = kernel_distance(RNG.normal(size=(200, 8)), RNG.normal(0.5, 1, size=(200, 8)), 50, 20, 0)
    assert abs(np.mean(same)) < 0.1 < apart[0]
    a, b = RNG.normal(size=(2, 100, 8))
    assert kernel_distance(a, b, 50, 5, 1) == kernel_distance(a, b, 50, 5, 1)
