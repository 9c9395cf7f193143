"""Fusion metrics: values known by hand, and the order of examples that differ visibly."""

import itertools

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy.ndimage import gaussian_filter, median_filter
from skimage import data

from stylefuse.evaluation.metrics import fusion as metrics

RNG = np.random.default_rng(0)
SIDE = 256


def photograph(name: str) -> np.ndarray:
    picture = Image.fromarray(getattr(data, name)())
    return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS))


PHOTOGRAPHS = [photograph(name) for name in ("astronaut", "coffee", "rocket", "chelsea")]
PAIRS = list(itertools.combinations(PHOTOGRAPHS, 2))


def cross_fade(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    return np.rint(share * a + (1 - share) * b.astype(np.float64)).astype(np.uint8)


def cut(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.concatenate([a[:, : SIDE // 2], b[:, SIDE // 2 :]], axis=1)


def painted(picture: np.ndarray) -> np.ndarray:
    """Patches of even colour with a coarse canvas on them, colours changed."""
    grain = gaussian_filter(np.random.default_rng(1).normal(size=(SIDE, SIDE)), 2)
    patches = np.stack([median_filter(picture[..., i], 7) for i in (1, 2, 0)], axis=-1)
    return np.clip(patches + 20 * (grain / grain.std())[..., None], 0, 255).astype(np.uint8)


# --- double exposure ---


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.6, 0.8])
def test_a_cross_fade_has_twice_the_smaller_share(share: float):
    for a, b in PAIRS:
        value = metrics.double_exposure(a, b, cross_fade(a, b, share))
        assert value == pytest.approx(2 * min(share, 1 - share), abs=0.01)


def test_one_picture_alone_is_no_double_exposure():
    for a, b in PAIRS:
        assert metrics.double_exposure(a, b, a) < 0.01
        assert metrics.double_exposure(a, b, b) < 0.01
        assert metrics.double_exposure(a, b, painted(a)) < 0.25


def test_a_third_picture_is_no_double_exposure():
    for name in ("immunohistochemistry", "retina"):
        third = photograph(name)
        assert all(metrics.double_exposure(a, b, third) < 0.1 for a, b in PAIRS)


def test_pictures_side_by_side_are_no_double_exposure():
    for a, b in PAIRS:
        assert metrics.double_exposure(a, b, cut(a, b)) < 0.2


def test_a_double_exposure_shows_through_blur_tones_and_colours():
    for a, b in PAIRS:
        fade = cross_fade(a, b, 0.5)
        blurred = np.asarray(Image.fromarray(fade).filter(ImageFilter.GaussianBlur(4)))
        toned = (255 * (fade[..., [1, 2, 0]] / 255) ** 0.6).astype(np.uint8)
        posterised = fade // 64 * 85
        for changed in (blurred, toned, posterised):
            assert metrics.double_exposure(a, b, changed) > 0.6


def test_a_painted_double_exposure_stands_apart_from_a_painted_cut():
    for a, b in PAIRS:
        fade = metrics.double_exposure(a, b, painted(cross_fade(a, b, 0.5)))
        assert fade > 0.4
        assert fade > 2 * metrics.double_exposure(a, b, painted(cut(a, b)))


def test_a_finer_patchwork_is_more_of_a_double_exposure():
    a, b = PAIRS[0]

    def patchwork(cells: int) -> np.ndarray:
        rows, columns = np.mgrid[:SIDE, :SIDE] * cells // SIDE
        return np.where(((rows + columns) % 2 == 0)[..., None], a, b)

    results = [metrics.double_exposure(a, b, patchwork(cells)) for cells in (2, 8, 32, 128)]
    assert results == sorted(results)
    assert results[0] < 0.2
    assert results[-1] > 0.8


def test_double_exposure_takes_both_pictures_alike():
    for a, b in PAIRS:
        fused = cross_fade(a, b, 0.3)
        ours = metrics.double_exposure(a, b, fused)
        assert ours == pytest.approx(metrics.double_exposure(b, a, fused))


def test_flat_or_equal_sources_cannot_be_doubly_exposed():
    picture, flat = PHOTOGRAPHS[0], np.full((SIDE, SIDE, 3), 90, np.uint8)
    assert metrics.double_exposure(picture, flat, cross_fade(picture, flat, 0.5)) == 0
    assert metrics.double_exposure(picture, picture, picture) < 0.01


# --- edges ---


def test_edges_of_equal_pictures_are_kept_up_to_the_sigmoids():
    best = 0.9994 / (1 + np.exp(-15 * 0.5)) * 0.9879 / (1 + np.exp(-22 * 0.2))
    assert best == pytest.approx(0.9748, abs=1e-4)
    for picture in PHOTOGRAPHS:
        assert metrics.edge_transfer(picture, picture, picture) == pytest.approx(best)


def test_a_step_of_half_the_height_keeps_half():
    """Strength at the sigmoid's midpoint gives 0.9994 / 2, whatever the direction of the step."""
    step = np.zeros((32, 32, 3), np.uint8)
    step[:, 16:] = 200
    aligned = 0.9879 / (1 + np.exp(-22 * 0.2))
    for turned in (step, step.transpose(1, 0, 2), step[:, ::-1]):
        halved = turned // 2
        value = metrics.edge_transfer(turned, turned, halved)
        assert value == pytest.approx(0.9994 / 2 * aligned)


def test_a_line_across_keeps_nothing():
    step = np.zeros((32, 32, 3), np.uint8)
    step[:, 16:] = 200
    assert metrics.edge_transfer(step, step, step.transpose(1, 0, 2)) < 0.01
    assert metrics.edge_transfer(step, step, 255 - step) > 0.9  # the same line, light for dark


def test_selecting_the_stronger_edges_beats_a_cross_fade():
    for a, b in PAIRS:
        strength_a, strength_b = (
            gaussian_filter(np.hypot(*np.gradient(p.mean(axis=2))), 2) for p in (a, b)
        )
        selected = np.where((strength_a > strength_b)[..., None], a, b)
        fade = metrics.edge_transfer(a, b, cross_fade(a, b, 0.5))
        assert fade < metrics.edge_transfer(a, b, selected) < 0.975
        assert metrics.edge_transfer(a, b, np.full_like(a, 90)) < 0.01
        assert metrics.edge_transfer(a, b, fused=a) == metrics.edge_transfer(b, a, fused=a)


def test_flat_sources_have_no_edges_to_keep():
    flat = np.full((16, 16, 3), 90, np.uint8)
    assert metrics.edge_transfer(flat, flat, flat) == 0


# --- styles and balances ---


def test_style_position_is_linear_and_not_clipped():
    a, b = RNG.normal(size=(2, 5, 8))
    shares = np.array([-0.5, 0, 0.25, 1, 1.3])
    mixed = shares[:, None] * a + (1 - shares[:, None]) * b
    assert metrics.style_position(mixed, a, b) == pytest.approx(shares)
    aside = RNG.normal(size=8)
    aside -= (aside @ (a[0] - b[0])) / np.square(a[0] - b[0]).sum() * (a[0] - b[0])
    assert metrics.style_position(b[:1] + aside, a[0], b[0]) == pytest.approx([0], abs=1e-12)


def test_path_smoothness_of_even_and_jumping_paths():
    line = np.linspace(0, 1, 11)[:, None] * RNG.normal(size=8)
    assert metrics.path_smoothness(line) == pytest.approx(1)
    jump = np.repeat([[0.0], [1.0]], [5, 6], axis=0)
    assert metrics.path_smoothness(jump) == pytest.approx(10)  # one step covers the whole path
    assert metrics.path_smoothness(np.zeros((4, 2, 2, 3), np.uint8)) == 1
    pictures = np.array([0, 10, 0, 10], np.uint8).reshape(4, 1, 1, 1)
    assert metrics.path_smoothness(pictures) == pytest.approx(1)  # uint8 does not wrap around


def test_monotonicity_depends_on_ranks_only():
    balance = np.linspace(0, 1, 9)
    assert metrics.monotonicity(np.exp(5 * balance)) == pytest.approx(1)
    assert metrics.monotonicity(-balance) == pytest.approx(-1)
    assert metrics.monotonicity(np.ones(9)) == 0
    assert 0 < metrics.monotonicity(np.array([0, 2, 1, 3, 5, 4])) < 1


# --- seams ---


def half(angle: float) -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    return (np.cos(angle) * x + np.sin(angle) * y > 0).astype(np.float64)


def test_a_photograph_has_no_seam_and_a_cut_has():
    halves = [half(angle) for angle in np.linspace(0, np.pi, 6, endpoint=False)]
    uncut = [metrics.seam_energy(p, mask) for p in PHOTOGRAPHS for mask in halves]
    assert np.exp(np.mean(np.log(uncut))) == pytest.approx(1, abs=0.25)
    cuts = [
        metrics.seam_energy(np.where(mask[..., None] > 0.5, a, b), mask)
        for a, b in PAIRS
        for mask in halves
    ]
    assert min(cuts) > 2 * max(uncut)


def test_seam_energy_of_a_step_in_noise_by_its_variance():
    """Neighbours differ by the step besides noise: (step² + 2σ²) / 2σ²."""
    noise = RNG.normal(128, 8, (SIDE, SIDE, 1))
    mask = half(0)
    stepped = np.repeat(np.rint(noise + 16 * mask[..., None]), 3, axis=2).astype(np.uint8)
    expected = (16**2 + 2 * 8**2) / (2 * 8**2)
    assert metrics.seam_energy(stepped, mask) == pytest.approx(expected, rel=0.2)
    assert metrics.seam_energy(stepped, 1 - mask) == metrics.seam_energy(stepped, mask)


def test_a_mask_without_a_border_is_refused():
    for mask in (np.zeros((SIDE, SIDE)), np.ones((SIDE, SIDE))):
        with pytest.raises(ValueError, match="no border"):
            metrics.seam_energy(PHOTOGRAPHS[0], mask)
