"""Nested settings and results as dotted names, as MLflow stores them."""

import re
from collections.abc import Mapping
from typing import Any


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"train": {"width": 16}}` → `{"train.width": 16}`; characters MLflow refuses become `_`."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = prefix + re.sub(r"[^\w\-. :/]", "_", str(key))
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{name}.")
        else:
            flat[name] = value
    return flat


def numeric_values(tree: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a tree by dotted name; text, lists and booleans are left out."""
    return {
        name: float(value)
        for name, value in flatten(tree).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
