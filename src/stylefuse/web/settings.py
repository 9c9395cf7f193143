"""Settings that survive a reload of the page, in the browser's local storage."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import gradio as gr

LOAD = "(...values) => JSON.parse(localStorage.getItem('{0}')) ?? values"
SAVE = "(...values) => {{ localStorage.setItem('{0}', JSON.stringify(values)) }}"


def keep_settings(page: gr.Blocks, tab: str, fields: Sequence[Any]) -> None:
    """Keep the values of a tab's fields.

    Args:
        page: loads them.
        tab: its name.
        fields: sliders, radio buttons, checkboxes and numbers.
    """
    key = storage_key(tab, fields)
    # `input` is the user's own change; other changes happen before the values are loaded, too
    gr.on([field.input for field in fields], None, list(fields), js=SAVE.format(key))
    page.load(None, list(fields), list(fields), js=LOAD.format(key))


def storage_key(tab: str, fields: Sequence[Any]) -> str:
    """A key that differs if fields, ranges or choices do, so that no page loads what it lacks."""
    limits = [
        [getattr(field, name, None) for name in ("label", "minimum", "maximum", "step", "choices")]
        for field in fields
    ]
    return f"stylefuse-{tab}-{hashlib.sha256(json.dumps(limits).encode()).hexdigest()[:12]}"
