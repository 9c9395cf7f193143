"""Evaluation pairs: held-out pictures of the requested split, the same for the same seed."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.evaluation.pairs import make_pairs
from tests.unit.test_config import SHIPPED

SETTINGS = load_params(SHIPPED).evaluate.model_copy(
    update={"size": 64, "photographs": 3, "styles_per_photograph": 2, "reference_crops": 4}
)


@pytest.fixture
def manifest(tmp_path):
    """A manifest of grey pictures: the level identifies each, levels above 100 are held out."""
    rows = []
    for level in range(10, 250, 10):
        path = tmp_path / f"{level:03d}.png"
        Image.new("RGB", (90, 70), (level, level, level)).save(path)
        domain = "painting" if level % 20 else "photograph"
        rows.append((str(path), domain, "test" if level > 100 else "train"))
    return pd.DataFrame(rows, columns=["path", "domain", "split"])


def test_only_held_out_pictures_are_used(manifest):
    pairs = make_pairs(manifest, "test", SETTINGS, seed=1)
    assert pairs.contents.shape == pairs.styles.shape == (6, 64, 64, 3)
    assert pairs.contents.min() > 100
    assert pairs.styles.min() > 100
    assert pairs.references.min() > 100
    assert len(pairs.references) == 4 * len(pairs.paintings)
    assert set(np.unique(pairs.contents) % 20) == {0}
    assert set(np.unique(pairs.references) % 20) == {10}


def test_no_pair_occurs_twice(manifest):
    pairs = make_pairs(manifest, "test", SETTINGS, seed=1)
    assert len({tuple(row) for row in pairs.rows}) == len(pairs.rows)


def test_the_seed_determines_the_pairs(manifest):
    first, second, other = (make_pairs(manifest, "test", SETTINGS, seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(first.rows, other.rows)


def test_a_split_without_paintings_is_a_user_error(manifest):
    photographs = manifest[manifest.domain == "photograph"]
    with pytest.raises(UserError, match="no picture of the domain painting") as error:
        make_pairs(photographs, "test", SETTINGS, seed=1)
    assert error.value.code == "split-empty"
