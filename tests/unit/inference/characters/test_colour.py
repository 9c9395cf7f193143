"""L*a*b* and the filters that work in it."""

import numpy as np
from skimage.color import rgb2lab

from stylefuse.inference.characters.filters import blur, guided
from stylefuse.inference.characters.lab import to_lab, to_rgb

LEVELS = np.random.default_rng(0).integers(0, 256, (40, 50, 3))


def test_lab_is_that_of_scikit_image():
    assert np.abs(to_lab(LEVELS) - rgb2lab(LEVELS.astype(np.uint8))).max() < 0.05


def test_lab_goes_back_to_the_same_levels():
    assert np.abs(to_rgb(to_lab(LEVELS)) - LEVELS).max() < 0.1


def test_colours_outside_of_srgb_are_clipped():
    assert to_rgb(np.array([[150.0, 0, 0], [-20, 0, 0], [50, 120, -120]])).min() >= 0
    assert to_rgb(np.array([[150.0, 0, 0], [50, 120, -120]])).max() <= 255.01


def test_the_guided_filter_removes_grain_and_keeps_an_edge():
    edge = np.where(np.arange(64) < 32, 20.0, 70.0) * np.ones((64, 1))
    noisy = (edge + np.random.default_rng(0).normal(0, 2, edge.shape)).astype(np.float32)
    smooth = guided(noisy, noisy, 4, 25.0)
    assert np.abs(smooth - edge)[:, :26].mean() < 0.6
    assert smooth[:, 34].mean() - smooth[:, 29].mean() > 40


def test_blur_takes_channels_one_by_one():
    x = np.random.default_rng(0).normal(size=(32, 24, 2)).astype(np.float32)
    assert np.allclose(blur(x, 2)[..., 1], blur(x[..., 1], 2), atol=1e-5)
