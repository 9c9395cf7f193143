"""A grid of settings is checked before anything runs."""

import pytest
from flows.variants import variants_of

from stylefuse.config import load_params
from stylefuse.errors import UserError
from tests.unit.test_config import SHIPPED

PARAMS = load_params(SHIPPED)


def test_every_combination_is_a_variant_with_a_name_of_its_own():
    found = variants_of(PARAMS, "restore", {"learning_rate": [0.001, 0.002], "r1": [0.1, 1, 10]})
    assert len({variant.name for variant in found}) == len(found) == 6
    assert {tuple(variant.changes) for variant in found} == {("learning_rate", "r1")}
    again = variants_of(PARAMS, "restore", {"r1": [1], "learning_rate": [0.002]})
    assert again[0].name in {variant.name for variant in found}
    assert str(again[0]) == "r1=1, learning_rate=0.002"


@pytest.mark.parametrize(
    ("grid", "complaint"),
    [
        ({}, "needs settings"),
        ({"r1": []}, "needs settings"),
        ({"speed": [1]}, "speed"),
        ({"r1": [0.1, -1]}, "r1"),
        ({"crop": [68]}, "multiple of 8"),
    ],
)
def test_what_cannot_be_trained_is_refused(grid, complaint):
    with pytest.raises(UserError, match=complaint):
        variants_of(PARAMS, "restore", grid)


def test_only_a_model_of_the_project_is_swept():
    with pytest.raises(UserError, match="has no model 'sketch'"):
        variants_of(PARAMS, "sketch", {"r1": [1]})
