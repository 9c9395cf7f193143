"""Warps take points where they should be, and leave pictures whole."""

import numpy as np

from stylefuse.inference.characters.warp import ThinPlateSpline, apply, draw_warped, similarity

RNG = np.random.default_rng(0)
POINTS = RNG.uniform(0, 100, (60, 2))


def test_a_similarity_is_recovered_in_the_plane_and_in_space():
    for dimensions in (2, 3):
        points = RNG.normal(size=(20, dimensions))
        turn, _ = np.linalg.qr(RNG.normal(size=(dimensions, dimensions)))
        turn[:, 0] *= np.sign(np.linalg.det(turn))
        moved = 1.7 * points @ turn + np.arange(dimensions)
        assert np.allclose(apply(similarity(points, moved), points), moved)


def test_a_spline_repeats_affine_maps_exactly():
    moved = POINTS @ np.array([[1.1, 0.2], [-0.1, 0.9]]) + 5
    spline = ThinPlateSpline(POINTS, moved, 50)
    places = RNG.uniform(-50, 150, (30, 2))
    expected = places @ np.array([[1.1, 0.2], [-0.1, 0.9]]) + 5
    assert np.allclose(spline(places), expected, atol=1e-6)


def test_a_spline_without_smoothing_passes_through_its_points():
    moved = POINTS + RNG.normal(0, 2, POINTS.shape)
    assert np.allclose(ThinPlateSpline(POINTS, moved, 50, smoothing=0)(POINTS), moved, atol=1e-4)


def test_smoothing_ignores_what_points_do_by_themselves():
    moved = POINTS + RNG.normal(0, 2, POINTS.shape)
    smooth, exact = (
        np.abs(ThinPlateSpline(POINTS, moved, 50, smoothing)(POINTS) - POINTS).mean()
        for smoothing in (1e-1, 0)
    )
    assert smooth < exact


def test_the_identity_draws_the_picture_itself():
    picture = RNG.uniform(0, 255, (90, 70, 3)).astype(np.float32)
    spline = ThinPlateSpline(POINTS, POINTS, 50)
    assert np.allclose(draw_warped(picture, spline, (0, 0), (70, 90)), picture, atol=0.1)
    part = draw_warped(picture, spline, (13, 21), (40, 50))
    assert np.allclose(part, picture[21:71, 13:53], atol=0.1)


def test_a_shift_moves_the_picture_and_repeats_its_border():
    picture = RNG.uniform(0, 255, (64, 64, 1)).astype(np.float32)
    moved = draw_warped(
        picture, ThinPlateSpline(POINTS, POINTS + np.array([5, 0]), 50), (0, 0), (64, 64)
    )
    assert np.allclose(moved[:, :58], picture[:, 5:63], atol=0.2)
    assert np.allclose(moved[:, -1], picture[:, -1], atol=0.2)
