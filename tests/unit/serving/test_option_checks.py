"""Options have to have the names and the types that the model gives them."""

import pytest

from stylefuse.errors import UserError
from stylefuse.inference.options import Names
from stylefuse.serving.option_checks import check_options

DEFAULTS = {
    "strength": 1.0, "size": 0, "seamless": False, "mode": "auto", "style_weights": (),
    "only": Names(),
}  # fmt: skip


@pytest.mark.parametrize(
    "params",
    [
        {}, {"strength": 0}, {"strength": 0.5}, {"strength": float("nan")}, {"size": -3},
        {"seamless": True}, {"mode": "nonsense"}, {"style_weights": []},
        {"style_weights": [1, 0.5]}, {"only": []}, {"only": ["noise", "x"]},
    ],
    ids=str,
)  # fmt: skip
def test_the_right_types_pass_whatever_the_values(params):
    check_options(params, DEFAULTS)


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"strenght": 1}, "there is no option 'strenght'; did you mean strength?"),
        (
            {"x": 1},
            "there is no option 'x'; there are strength, size, seamless, mode, style_weights, only",
        ),
        ({"strength": None}, "strength must be a number, not null"),
        ({"strength": "1"}, 'strength must be a number, not "1"'),
        ({"strength": True}, "strength must be a number, not true"),
        ({"size": 1.5}, "size must be a whole number, not 1.5"),
        ({"size": 2**60}, f"size must be a whole number, not {2**60}"),
        ({"seamless": 1}, "seamless must be true or false, not 1"),
        ({"mode": {"a": 1}}, 'mode must be a text, not {"a": 1}'),
        ({"mode": "a", "style_weights": 3}, "style_weights must be a list of numbers, not 3"),
        ({"only": "noise"}, 'only must be a list of texts, not "noise"'),
        ({"only": [1]}, "only must be a list of texts, not [1]"),
        ({"style_weights": [None]}, "style_weights must be a list of numbers, not [null]"),
    ],
    ids=str,
)
def test_others_are_refused_in_a_sentence_that_names_them(params, message):
    with pytest.raises(UserError) as error:
        check_options(params, DEFAULTS)
    assert str(error.value) == message


def test_a_long_value_is_not_repeated():
    with pytest.raises(UserError) as error:
        check_options({"size": "a" * 1000}, DEFAULTS)
    assert len(str(error.value)) < 100
    with pytest.raises(UserError) as error:
        check_options({"strength" * 100_000: 1}, DEFAULTS)
    assert len(str(error.value)) < 200
