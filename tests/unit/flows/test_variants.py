"""A grid of settings is checked before anything runs."""

import pytest
from flows.variants import make_variants

from stylefuse.config import load_params
from stylefuse.errors import UserError
from tests.unit.test_config import SHIPPED

PARAMS = load_params(SHIPPED)


def test_every_combination_is_a_variant_with_a_name_of_its_own():
    grid = {"learning_rate": [0.001, 0.002], "r1": [0.1, 1, 10]}
    variants = make_variants(PARAMS, "restore", grid)
    assert len({variant.name for variant in variants}) == len(variants) == 6
    assert {tuple(variant.changes) for variant in variants} == {("learning_rate", "r1")}
    reordered = make_variants(PARAMS, "restore", {"r1": [1], "learning_rate": [0.002]})
    assert reordered[0].name in {variant.name for variant in variants}
    assert str(reordered[0]) == "r1=1, learning_rate=0.002"


@pytest.mark.parametrize(
    ("grid", "code", "mentions"),
    [
        ({}, "grid-empty", "learning_rate=0.001,0.002"),
        ({"r1": []}, "grid-empty", ""),
        ({"speed": [1]}, "params-invalid", "speed"),
        ({"r1": [0.1, -1]}, "params-invalid", "r1"),
        ({"crop": [68]}, "params-invalid", "multiple of 8"),
    ],
)
def test_a_grid_that_cannot_be_trained_is_refused(grid, code, mentions):
    with pytest.raises(UserError, match=mentions) as error:
        make_variants(PARAMS, "restore", grid)
    assert error.value.code == code


def test_only_a_model_of_the_project_is_swept():
    with pytest.raises(UserError) as error:
        make_variants(PARAMS, "sketch", {"r1": [1]})
    assert error.value.code == "model-unknown"
