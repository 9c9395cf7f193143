"""Batches: a pure function of seed and step, of crops that are in range."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylefuse.data.batches import Batches
from stylefuse.errors import UserError

TILES, SIDE, CROP, BATCH = 6, 12, 8, 4
STEPS = st.integers(0, 2**40)


@pytest.fixture
def prepared(tmp_path):
    """Tiles in which each pixel tells its tile (red), row (green) and column (blue)."""
    tile, y, x = np.indices((TILES, SIDE, SIDE), dtype=np.uint8)
    coded = np.stack([tile * 40, y * 20, x * 20], axis=-1)
    for split in ("train", "validation"):
        for domain in ("photograph", "painting"):
            np.save(tmp_path / f"{split}_{domain}.npy", coded)
    return tmp_path


def batches(folder, split="train", seed=7, batch=BATCH, crop=CROP):
    return Batches(folder, split, crop, batch, seed)


def levels(pictures):
    return np.rint((pictures + 1) * 127.5).astype(int)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(step=STEPS, seed=st.integers(0, 2**31 - 1))
def test_a_batch_depends_on_seed_and_step_alone(prepared, step, seed):
    one, other = batches(prepared, seed=seed), batches(prepared, seed=seed)
    other.at(step + 1)  # what was asked before makes no difference
    for a, b in zip(one.at(step), other.at(step), strict=True):
        np.testing.assert_array_equal(a, b)


def lay(picture):
    """How rows and columns of the tile run in a crop: one step down, one step to the right."""
    down = (picture[1:] - picture[:-1]).reshape(-1, 3)
    right = (picture[:, 1:] - picture[:, :-1]).reshape(-1, 3)
    assert len(np.unique(down, axis=0)) == len(np.unique(right, axis=0)) == 1
    return (*down[0], *right[0])


EIGHT = {
    (0, *down, 0, *right)
    for a in (20, -20)
    for b in (20, -20)
    for down, right in (((a, 0), (0, b)), ((0, a), (b, 0)))
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(step=STEPS)
def test_crops_are_windows_of_a_tile_laid_in_one_of_eight_ways(prepared, step):
    batch = batches(prepared).at(step)
    for pictures in batch[:3]:
        assert pictures.dtype == np.float32
        assert pictures.shape == (BATCH, CROP, CROP, 3)
        assert {lay(picture) for picture in levels(pictures)} <= EIGHT
    for painting, reference in zip(levels(batch.painting), levels(batch.reference), strict=True):
        assert painting[0, 0, 0] == reference[0, 0, 0]  # two crops of one painting
        assert lay(painting) == lay(reference)


def test_every_place_and_way_occurs(prepared):
    seen = np.concatenate([levels(batches(prepared).at(step).photograph) for step in range(200)])
    room = SIDE - CROP + 1
    assert set(seen[:, 0, 0, 0]) == {40 * tile for tile in range(TILES)}
    assert set(seen[:, :, :, 1].min((1, 2))) == {20 * y for y in range(room)}
    assert set(seen[:, :, :, 2].min((1, 2))) == {20 * x for x in range(room)}
    assert {lay(picture) for picture in seen} == EIGHT


def test_the_range_is_minus_one_to_one(tmp_path):
    extremes = np.zeros((2, SIDE, SIDE, 3), np.uint8)
    extremes[:, ::2] = 255
    for domain in ("photograph", "painting"):
        np.save(tmp_path / f"train_{domain}.npy", extremes)
    batch = batches(tmp_path, batch=2).at(0)
    for pictures in batch[:3]:
        assert (pictures.min(), pictures.max()) == (-1.0, 1.0)
    assert abs(batch.noise.mean()) < 0.3
    assert 0.8 < batch.noise.std() < 1.2


def test_steps_seeds_and_splits_differ(prepared):
    first = batches(prepared).at(0).noise
    for other in (
        batches(prepared).at(1),
        batches(prepared, seed=8).at(0),
        batches(prepared, split="validation").at(0),
    ):
        assert (first != other.noise).any()


def test_no_painting_is_twice_in_a_batch_unless_there_are_too_few(prepared):
    whole = levels(batches(prepared, batch=TILES).at(3).painting)
    assert len(set(whole[:, 0, 0, 0])) == TILES
    assert batches(prepared, batch=TILES + 1).at(3).painting.shape[0] == TILES + 1


def test_missing_arrays_and_too_small_tiles_are_named(prepared, tmp_path):
    with pytest.raises(UserError, match=r"test_photograph\.npy is missing; run `dvc repro"):
        batches(prepared, split="test")
    with pytest.raises(UserError, match="12 pixels wide, less than a crop of 16"):
        batches(prepared, crop=16)
