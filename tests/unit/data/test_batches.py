"""Crops and random numbers: pure functions of their rng, in range, in eight orientations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stylefuse.data.batches import (
    Prefetcher,
    arrays,
    load_tiles,
    orient,
    random_crops,
    random_normal,
    step_rng,
)
from stylefuse.errors import UserError

TILES, SIDE, CROP = 6, 12, 8
STEPS = st.integers(0, 2**40)


@pytest.fixture(scope="module")
def coded():
    """Tiles in which each pixel encodes its tile (red), row (green) and column (blue)."""
    tile, y, x = np.indices((TILES, SIDE, SIDE), dtype=np.uint8)
    return np.stack([tile * 40, y * 20, x * 20], axis=-1)


def levels(pictures):
    return np.rint((pictures + 1) * 127.5).astype(int)


def some_crops(tiles, step, count=4):
    rng = step_rng(7, step, "train")
    rows, orientations = rng.integers(len(tiles), size=count), rng.integers(8, size=count)
    return random_crops(tiles, rows, orientations, CROP, rng)


def orientation(picture):
    """How rows and columns of the tile run in a crop: one pixel down, one pixel to the right."""
    down = (picture[1:] - picture[:-1]).reshape(-1, 3)
    right = (picture[:, 1:] - picture[:, :-1]).reshape(-1, 3)
    assert len(np.unique(down, axis=0)) == len(np.unique(right, axis=0)) == 1
    return (*down[0], *right[0])


ORIENTATIONS = {
    (0, *down, 0, *right)
    for a in (20, -20)
    for b in (20, -20)
    for down, right in (((a, 0), (0, b)), ((0, a), (b, 0)))
}


@given(step=STEPS)
def test_crops_are_windows_of_a_tile_in_one_of_eight_orientations(coded, step):
    (pictures,) = arrays((some_crops(coded, step),))
    assert pictures.dtype == np.float32
    assert pictures.shape == (4, CROP, CROP, 3)
    assert {orientation(picture) for picture in levels(pictures)} <= ORIENTATIONS
    np.testing.assert_array_equal(pictures, some_crops(coded, step).array())


def test_every_place_and_orientation_occurs(coded):
    crops = np.concatenate([levels(some_crops(coded, step).array()) for step in range(200)])
    places = SIDE - CROP + 1
    assert set(crops[:, 0, 0, 0]) == {40 * tile for tile in range(TILES)}
    assert set(crops[:, :, :, 1].min((1, 2))) == {20 * y for y in range(places)}
    assert set(crops[:, :, :, 2].min((1, 2))) == {20 * x for x in range(places)}
    assert {orientation(picture) for picture in crops} == ORIENTATIONS


def test_the_range_is_minus_one_to_one():
    extremes = np.zeros((2, SIDE, SIDE, 3), np.uint8)
    extremes[:, ::2] = 255
    pictures = some_crops(extremes, 0).array()
    assert (pictures.min(), pictures.max()) == (-1.0, 1.0)


def test_noise_is_standard_normal_and_belongs_to_its_step():
    first, same, other = (random_normal((64, 64), step_rng(7, i, "train")) for i in (0, 0, 1))
    noise = first.array()
    assert noise.dtype == np.float32
    assert abs(noise.mean()) < 0.1
    assert 0.9 < noise.std() < 1.1
    np.testing.assert_array_equal(noise, same.array())
    assert not np.array_equal(noise, other.array())


def test_arrays_stay_as_they_are(coded):
    mask = np.ones(3, np.float32)
    assert arrays((mask, some_crops(coded, 0)))[0] is mask


def test_steps_seeds_and_splits_differ():
    keys = [(7, 0, "train"), (7, 1, "train"), (8, 0, "train"), (7, 0, "validation")]
    assert len({tuple(step_rng(*key).random(4)) for key in keys}) == 4


def test_tiles_of_any_domain_are_mapped_into_memory(tmp_path):
    tiles = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype=np.uint8)
    np.save(tmp_path / "test_icon.npy", tiles)
    loaded = load_tiles(tmp_path, "test", "icon", SIDE)
    assert isinstance(loaded, np.memmap)
    crops = random_crops(loaded, [2, 0], [0, 1], SIDE, step_rng(7, 0, "test")).array()
    np.testing.assert_array_equal(levels(crops), [tiles[2], tiles[0, :, ::-1]])


def test_missing_and_small_tiles_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"train_icon\.npy is missing; run") as error:
        load_tiles(tmp_path, "train", "icon", CROP)
    assert error.value.code == "tiles-missing"
    np.save(tmp_path / "train_icon.npy", np.zeros((1, CROP - 1, CROP - 1, 3), np.uint8))
    with pytest.raises(UserError, match="7 pixels wide, less than a crop of 8") as error:
        load_tiles(tmp_path, "train", "icon", CROP)
    assert error.value.code == "tiles-too-small"


def test_prefetched_batches_are_those_of_the_requested_steps():
    def batch(step):
        if step == 5:
            raise UserError("step 5 cannot be made")
        return np.full(2, step), random_normal((3,), step_rng(7, step, "train"))

    prefetcher = Prefetcher(batch)
    for step in (0, 1, 2, 1, 7, 8, 3, 4):  # a resumed run begins anywhere
        for array, expected in zip(prefetcher.at(step), arrays(batch(step)), strict=True):
            np.testing.assert_array_equal(array, expected)
    with pytest.raises(UserError, match="step 5"):
        prefetcher.at(5)


def test_the_eight_orientations_differ():
    square = np.arange(16).reshape(4, 4)
    assert len({orient(square, orientation).tobytes() for orientation in range(8)}) == 8
    np.testing.assert_array_equal(orient(square, 0), square)
