"""Gaussian–Poisson blending, on photographs and compared with its definition."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage import data

from stylefuse.evaluation.metrics.fusion import seam_energy
from stylefuse.inference import poisson

RNG = np.random.default_rng(0)


def photograph(name: str, size: tuple[int, int] = (128, 128)) -> np.ndarray:
    picture = Image.fromarray(getattr(data, name)())
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS))


def masks() -> list[np.ndarray]:
    y, x = np.mgrid[:128, :128] - 64
    clouds = gaussian_filter(RNG.normal(size=(128, 128)), 12)
    return [(shape > 0).astype(np.float64) for shape in (x, x + y, 40**2 - x**2 - y**2, clouds)]


@pytest.mark.parametrize("weight", [0, 1, 100])
def test_a_mask_of_one_value_gives_the_picture_itself(weight: float):
    a, b = photograph("astronaut"), photograph("coffee")
    ones = np.ones((128, 128))
    assert np.array_equal(poisson.blend(a, b, ones, weight), a)
    assert np.array_equal(poisson.blend(a, b, 0 * ones, weight), b)


@pytest.mark.parametrize("weight", [0, 1, 10, 1000])
def test_no_weight_leaves_a_seam(weight: float):
    for a, b in (("astronaut", "coffee"), ("chelsea", "rocket")):
        x, y = photograph(a), photograph(b)
        for mask in masks():
            plain = np.where(mask[..., None] > 0.5, x, y)
            blended = poisson.blend(x, y, mask, weight)
            assert seam_energy(blended, mask) < seam_energy(plain, mask) / 8
            assert seam_energy(blended, mask) < 4


def test_a_difference_in_brightness_leaves_no_seam():
    """With the same picture darker on one side, gradients agree and only a smooth shade is left."""
    bright = photograph("coffee") // 2 + 100
    dark = bright - 60
    for mask in masks():
        blended = poisson.blend(bright, dark, mask, 0).astype(int)
        assert np.ptp(blended - bright) <= 1
        shade = poisson.blend(bright, dark, mask, 10).astype(int) - bright
        steps = [np.abs(np.diff(shade, axis=axis)).max() for axis in (0, 1)]
        assert np.ptp(shade) > 40  # each side keeps its brightness
        assert max(steps) < 60 / 8  # with a smooth transition


def test_the_weight_decides_between_spreading_and_keeping_colours():
    red, blue = (
        np.full((96, 96, 3), colour, np.uint8) for colour in ((200, 60, 60), (60, 60, 200))
    )
    mask = np.repeat(np.arange(96)[None] < 48, 96, axis=0).astype(np.float64)
    spread, kept = (poisson.blend(red, blue, mask, weight).astype(int) for weight in (0, 100))
    assert np.abs(spread - [130, 60, 130]).max() <= 1  # the composite's mean, everywhere
    assert np.abs(kept[:, 0] - red[0, 0]).max() < 10
    assert np.abs(kept[:, -1] - blue[0, 0]).max() < 10
    assert np.abs(np.diff(kept, axis=1)).max() < 140 / 8  # the step of the cut, spread out


def test_details_come_from_one_picture_at_each_place():
    a, b = photograph("astronaut"), photograph("coffee")
    soft = np.repeat(np.linspace(0.2, 0.8, 128)[None], 128, axis=0)
    blended = poisson.blend(a, b, soft, 10)

    def detail(picture: np.ndarray, columns: slice) -> np.ndarray:
        return np.diff(picture.astype(int).mean(axis=2), axis=0)[:, columns].ravel()

    for columns, visible, hidden in ((slice(0, 48), b, a), (slice(80, 128), a, b)):
        blended_detail = detail(blended, columns)
        assert np.corrcoef(blended_detail, detail(visible, columns))[0, 1] > 0.9
        assert abs(np.corrcoef(blended_detail, detail(hidden, columns))[0, 1]) < 0.3


def test_the_solution_is_that_of_least_squares():
    """Compare with the normal equations as matrices, with G built column by column."""
    height, width, weight = 7, 10, 3.0
    down, right = (
        RNG.normal(size=(height - 1, width, 3)),
        RNG.normal(size=(height, width - 1, 3)),
    )
    pixels = np.eye(height * width).reshape(-1, height, width)
    gradient = np.concatenate(
        [np.diff(pixels, axis=axis).reshape(len(pixels), -1) for axis in (1, 2)], axis=1
    )
    target = np.concatenate([down.reshape(-1, 3), right.reshape(-1, 3)])

    laplacian = gradient @ gradient.T
    variance = (poisson.COLOUR_BLUR * min(height, width)) ** 2
    values, vectors = np.linalg.eigh(laplacian)
    blur = vectors * np.exp(-variance * values / 2) @ vectors.T  # exp of a Laplacian: heat kernel
    expected = np.linalg.solve(laplacian + weight / variance * blur.T @ blur, gradient @ target)
    assert poisson._solve(down, right, weight) == pytest.approx(
        expected.reshape(height, width, 3), abs=1e-4
    )


@pytest.mark.parametrize("size", [(64, 64), (97, 61), (61, 97), (31, 8), (1, 9), (2, 1)])
def test_any_size(size: tuple[int, int]):
    a, b = (RNG.integers(0, 256, (*size, 3), dtype=np.uint8) for _ in range(2))
    blended = poisson.blend(a, b, RNG.random(size), 1)
    assert blended.dtype == np.uint8
    assert blended.shape == a.shape
    assert np.array_equal(poisson.blend(a, b, np.ones(size), 1), a)


def test_invalid_input_is_refused():
    picture = photograph("coffee")
    with pytest.raises(ValueError, match="sizes differ"):
        poisson.blend(picture, picture[1:], np.ones((128, 128)), 1)
    with pytest.raises(ValueError, match="sizes differ"):
        poisson.blend(picture, picture, np.ones((128, 127)), 1)
    with pytest.raises(ValueError, match="negative"):
        poisson.blend(picture, picture, np.ones((128, 128)), -1)
