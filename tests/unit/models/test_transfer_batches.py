"""Batches of the transfer model: a pure function of seed and step; fusion."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stylefuse.data.batches import Crops, arrays
from stylefuse.errors import UserError
from stylefuse.models.transfer.batches import TransferBatches, is_fused, sample_grid

TILES, SIDE, CROP, BATCH = 6, 40, 32, 4
STEPS = st.integers(0, 2**40)
PROPERTY_SETTINGS = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None
)


@pytest.fixture
def prepared(tmp_path):
    """Tiles whose pixels encode their tile (red), row (green) and column (blue)."""
    tile, y, x = np.indices((TILES, SIDE, SIDE), dtype=np.uint8)
    coded = np.stack([tile * 40, y * 6, x * 6], axis=-1)
    for split in ("train", "validation"):
        for domain in ("photograph", "painting"):
            np.save(tmp_path / f"{split}_{domain}.npy", coded)
    return tmp_path


def batches(folder, split="train", seed=7, batch=BATCH, crop=CROP, fusion_share=0.5):
    domains = ("photograph", "painting")
    train = SimpleNamespace(domains=domains, batch=batch, crop=crop, fusion_share=fusion_share)
    return TransferBatches(folder, split, train, seed)


def levels(crops):
    return np.rint((crops.array() + 1) * 127.5).astype(int)


@PROPERTY_SETTINGS
@given(step=STEPS, seed=st.integers(0, 2**31 - 1))
def test_a_batch_depends_on_seed_and_step_alone(prepared, step, seed):
    first, second = batches(prepared, seed=seed), batches(prepared, seed=seed)
    second.at(step + 1)  # earlier calls make no difference
    for a, b in zip(arrays(first.at(step)), arrays(second.at(step)), strict=True):
        np.testing.assert_array_equal(a, b)


@PROPERTY_SETTINGS
@given(step=STEPS)
def test_two_crops_of_one_painting_share_tile_and_orientation(prepared, step):
    batch = batches(prepared).at(step)
    assert np.array_equal(batch.painting.rows, batch.reference.rows)
    assert np.array_equal(batch.painting.orientations, batch.reference.orientations)
    for painting, reference in zip(levels(batch.painting), levels(batch.reference), strict=True):
        assert painting[0, 0, 0] == reference[0, 0, 0]  # the same tile
        offset = painting - reference
        assert (offset == offset[0, 0]).all()  # rows and columns have the same direction


def test_shapes_and_types(prepared):
    batch = batches(prepared).at(1)
    assert [type(part) for part in batch[:3]] == [Crops] * 3
    cut = arrays(batch)
    assert {array.dtype for array in cut} == {np.dtype("float32")}
    assert [array.shape[0] for array in cut] == [BATCH] * len(cut)
    assert batch.mask.shape == (BATCH, CROP, CROP, 1)
    assert batch.weight.shape == (BATCH, 1)


@pytest.mark.parametrize("share", [0, 0.25, 0.3, 1])
def test_the_fusion_share_of_steps_fuse_evenly_spaced(prepared, share):
    source = batches(prepared, fusion_share=share)
    fused = [step for step in range(20) if is_fused(step, source.settings)]
    assert len(fused) == 20 * share
    assert np.ptp(np.diff(fused)) <= 1 if len(fused) > 1 else share == 0
    for step in range(20):
        batch = source.at(step)
        if step not in fused:
            assert (batch.mask == 1).all()
            assert (batch.weight == 1).all()
        else:
            assert 0 <= batch.mask.min() < 0.1 < 0.9 < batch.mask.max() <= 1
            between = (batch.mask > 0.1) & (batch.mask < 0.9)
            assert between.mean() < 0.5  # 0 or 1 nearly everywhere
            assert np.ptp(batch.weight) > 0
            assert 0 <= batch.weight.min() <= batch.weight.max() <= 1


def test_fusion_changes_nothing_but_mask_and_weight(prepared):
    plain, fused = (batches(prepared, fusion_share=share).at(3) for share in (0, 1))
    for name in ("photograph", "painting", "reference", "noise"):
        np.testing.assert_array_equal(getattr(plain, name).array(), getattr(fused, name).array())


def test_steps_seeds_and_splits_differ(prepared):
    first = batches(prepared).at(0).noise.array()
    for other in (
        batches(prepared).at(1),
        batches(prepared, seed=8).at(0),
        batches(prepared, split="validation").at(0),
    ):
        assert (first != other.noise.array()).any()


def test_paintings_of_a_batch_differ_unless_there_are_too_few(prepared):
    for step in range(9):
        assert len(set(batches(prepared, batch=TILES).at(step).painting.rows)) == TILES
    assert len(batches(prepared, batch=TILES + 1).at(3).painting.rows) == TILES + 1


def test_the_sample_grid_has_a_row_per_photograph_and_a_column_per_painting(prepared):
    grid = sample_grid(lambda contents, styles: styles, batches(prepared, split="validation"))
    assert grid.shape == (7 * SIDE, 7 * SIDE, 3)
    assert grid.dtype == np.uint8
    cells = grid.reshape(7, SIDE, 7, SIDE, 3).swapaxes(1, 2)
    assert (cells[0, 0] == 255).all()
    for row in range(1, 7):  # this generator returns the style
        np.testing.assert_array_equal(cells[row, 1:], cells[0, 1:])
        assert cells[row, 0, 0, 0, 0] == 40 * (row - 1)


def test_missing_arrays_and_too_small_tiles_are_named(prepared):
    with pytest.raises(UserError, match=r"test_photograph\.npy") as error:
        batches(prepared, split="test")
    assert error.value.code == "tiles-missing"
    with pytest.raises(UserError, match="40 pixels wide, less than a crop of 64") as error:
        batches(prepared, crop=64)
    assert error.value.code == "tiles-too-small"
