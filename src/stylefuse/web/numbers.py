"""Gradio fields for numbers in which every input counts as a number.

Gradio's own fields print a traceback when a user types a number that is out of range.
"""

import math
from typing import Any

import gradio as gr


class Slider(gr.Slider):
    """A slider whose number can be typed, too; see `nearest` for numbers out of its range."""

    is_template = True  # Gradio shows it with the front end of `gr.Slider`

    def get_config(self, cls: Any = None) -> dict[str, Any]:
        return super().get_config(gr.Slider)  # the front end needs all of its own options

    def preprocess(self, payload: Any) -> float:
        return nearest(payload, self.value, self.minimum, self.maximum)


class WholeNumber(gr.Number):
    """A field for a whole number.

    Args:
        value: at first, and when the field is empty.
        minimum: a smaller number counts as this.
        label: of the field.
    """

    is_template = True

    def __init__(self, value: int, minimum: int, label: str):
        super().__init__(value, minimum=minimum, label=label, precision=0)

    def get_config(self, cls: Any = None) -> dict[str, Any]:
        return super().get_config(gr.Number)

    def preprocess(self, payload: Any) -> int:
        return round(nearest(payload, self.value, self.minimum, None))


def nearest(value: Any, default: float, minimum: float, maximum: float | None) -> float:
    """The number of a range that is nearest to a value; the default for what is no number."""
    is_number = isinstance(value, int | float) and math.isfinite(value)
    number = max(value, minimum) if is_number else default
    return number if maximum is None else min(number, maximum)
