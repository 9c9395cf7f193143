"""Checks of the options in a request: their names and types; their ranges are the model's matter.

MLflow ignores options that it does not know, so that a misspelt one would have no effect.
"""

import difflib
import json
from collections.abc import Mapping
from typing import Any

from stylefuse.errors import UserError
from stylefuse.inference.options import Names
from stylefuse.serving.request_checks import MAX_SHOWN

MAX_EXACT_INT = 1 << 53  # up to here every whole number is also a float


def check_options(params: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Check options of a parsed JSON document.

    Args:
        params: name → value.
        defaults: of all options.

    Raises:
        UserError: there is no such option, or its value has another type than the default.
    """
    for name, value in params.items():
        if name not in defaults:
            shown = name[:MAX_SHOWN]  # comparing a long name would take seconds
            close = difflib.get_close_matches(shown, defaults, n=1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(defaults)}"
            raise UserError(f"there is no option {shown!r}; {hint}", code="option-unknown")
        if not _fits(value, defaults[name]):
            raise UserError(
                f"{name} must be {_kind(defaults[name])}, not {json.dumps(value)[:MAX_SHOWN]}",
                code="option-invalid",
            )


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number that a float holds, too."""
    return type(value) is int and abs(value) < MAX_EXACT_INT


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, tuple):
        fits = _is_text if isinstance(default, Names) else _is_number
        return isinstance(value, list) and all(map(fits, value))
    if isinstance(default, bool | str):
        return type(value) is type(default)
    return is_whole(value) if isinstance(default, int) else _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or is_whole(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _kind(default: Any) -> str:
    if isinstance(default, tuple):
        return "a list of texts" if isinstance(default, Names) else "a list of numbers"
    if isinstance(default, bool):
        return "true or false"
    if isinstance(default, str):
        return "a text"
    return "a whole number" if isinstance(default, int) else "a number"
