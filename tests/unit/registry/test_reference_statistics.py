"""The reference statistics cover the training pictures, each of them once."""

import json

import numpy as np
import pytest

from stylefuse.config import load_params
from stylefuse.models.task import find_task
from stylefuse.registry.reference_statistics import MAX_PICTURES, reference_statistics
from tests.support.tiles import write_tiles
from tests.unit.test_config import SHIPPED

PARAMS = load_params(SHIPPED)


@pytest.mark.parametrize(
    ("model", "inputs"),
    [("transfer", ["content", "style"]), ("restore", ["picture"]), ("portrait", [])],
)
def test_each_picture_counts_once(model, inputs, tmp_path):
    write_tiles(tmp_path / "prepared")
    names = [f"{i // 2}.png" for i in range(8)]  # two tiles of each
    tiles = {"train_photograph": names, "train_painting": names}
    (tmp_path / "prepared/tiles.json").write_text(json.dumps(tiles))
    first, second = (
        reference_statistics(
            find_task(model), PARAMS.model_settings(model), tmp_path / "prepared", seed=1
        )
        for _ in range(2)
    )
    assert list(first) == inputs
    assert {len(values) for columns in first.values() for values in columns.values()} <= {4}
    assert first == second


def test_a_large_reference_is_limited(tmp_path):
    count = MAX_PICTURES + 1
    np.save(tmp_path / "train_photograph.npy", np.zeros((count, 64, 64, 3), np.uint8))
    names = [f"{i}.png" for i in range(count)]
    (tmp_path / "tiles.json").write_text(json.dumps({"train_photograph": names}))
    reference = reference_statistics(
        find_task("restore"), PARAMS.model_settings("restore"), tmp_path, seed=1
    )
    assert MAX_PICTURES / 2 <= len(reference["picture"]["luminance"]) <= MAX_PICTURES
