"""Every input counts as a number of the field's range."""

import math

import pytest

from stylefuse.web.numbers import Slider, WholeNumber


@pytest.mark.parametrize(
    ("typed", "value"),
    [(0.3, 0.3), (7, 1), (-2, 0), (None, 0.5), ("0.3", 0.5), (math.nan, 0.5), ([1], 0.5)],
)
def test_a_slider(typed, value):
    assert Slider(0, 1, 0.5).preprocess(typed) == value


@pytest.mark.parametrize(
    ("typed", "value"), [(7, 7), (-5, 0), (None, 1), (2.4, 2), (10**30,) * 2, (math.inf, 1)]
)
def test_a_whole_number(typed, value):
    assert WholeNumber(1, 0, "Number").preprocess(typed) == value
