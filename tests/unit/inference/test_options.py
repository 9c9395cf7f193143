"""Options are checked when they are made, and importing them is cheap."""

import subprocess
import sys

import pytest

from stylefuse.errors import UserError
from stylefuse.inference.options import (
    FUSION_MODES,
    PRESERVE_COLOR_CHOICES,
    FusionOptions,
    PortraitOptions,
    RestoreOptions,
    TransferOptions,
    TransferRequestOptions,
)

NOT_FRACTIONS = [-0.1, 1.1, float("nan"), float("inf")]
FRACTIONS = [
    (TransferOptions, "strength"),
    (FusionOptions, "content_balance"),
    (FusionOptions, "style_balance"),
    (FusionOptions, "detail_balance"),
    (RestoreOptions, "strength"),
    (PortraitOptions, "blend"),
    (TransferRequestOptions, "strength"),
    (TransferRequestOptions, "content_balance"),
]


@pytest.mark.parametrize(("options", "name"), FRACTIONS)
def test_fractions_are_from_0_to_1(options, name):
    for value in (0, 0.5, 1):
        assert getattr(options(**{name: value}), name) == value
    for value in NOT_FRACTIONS:
        with pytest.raises(UserError, match=f"{name} must be a number from 0 to 1") as error:
            options(**{name: value})
        assert error.value.code == "option-out-of-range"


@pytest.mark.parametrize(
    ("options", "values", "message"),
    [
        (TransferOptions, {"size": -1}, "size must be a number of pixels, or 0, not -1"),
        (PortraitOptions, {"towards": -2}, "towards must be a seed from 0, or -1, not -2"),
    ],
)
def test_other_numbers_have_ranges(options, values, message):
    with pytest.raises(UserError, match=message) as error:
        options(**values)
    assert error.value.code == "option-out-of-range"


@pytest.mark.parametrize(
    ("options", "name", "choices"),
    [
        (TransferOptions, "preserve_color", PRESERVE_COLOR_CHOICES),
        (TransferRequestOptions, "preserve_color", PRESERVE_COLOR_CHOICES),
        (FusionOptions, "mode", FUSION_MODES),
    ],
)
def test_choices_are_named(options, name, choices):
    for choice in choices:
        assert getattr(options(**{name: choice}), name) == choice
    with pytest.raises(
        UserError, match=f"{name} must be one of {', '.join(choices)}, not 'hue'"
    ) as error:
        options(**{name: "hue"})
    assert error.value.code == "option-invalid"


def test_kinds_of_degradation_may_be_any_list_of_known_names():
    options = RestoreOptions(only=["folds", "scratches"], keep=("noise",))
    assert (options.only, options.keep) == (("folds", "scratches"), ("noise",))
    for values in ({"only": ["dust"]}, {"keep": "noise"}, {"only": ["jpeg"], "keep": ["jpeg"]}):
        with pytest.raises(UserError) as error:
            RestoreOptions(**values)
        assert error.value.code == "option-invalid"


@pytest.mark.parametrize(
    ("mode", "has_mask", "code"),
    [
        ("auto", True, None),
        ("auto", False, None),
        ("mask", True, None),
        ("mask", False, "mask-missing"),
        ("saliency", True, "mask-unexpected"),
        ("saliency", False, None),
        ("scalar", True, "mask-unexpected"),
        ("scalar", False, None),
    ],
)
def test_a_mode_goes_with_a_mask_or_without_one(mode, has_mask, code):
    options = FusionOptions(mode=mode)
    if code is None:
        options.check_mask(has_mask)
        return
    with pytest.raises(UserError) as error:
        options.check_mask(has_mask)
    assert error.value.code == code


def test_importing_the_options_imports_no_numpy_and_no_pillow():
    program = (
        "import sys, stylefuse.inference.options\n"
        "print({'numpy', 'PIL', 'keras', 'scipy'} & sys.modules.keys())"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout == "set()\n"
