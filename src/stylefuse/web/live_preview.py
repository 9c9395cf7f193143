"""Previews that follow every change of a tab's fields."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from stylefuse.images.resize import limit_side
from stylefuse.web.controls import MakeRequest, show_errors
from stylefuse.web.download import preview_path
from stylefuse.web.fields import Mask
from stylefuse.web.models import PREVIEW_SIDE, LoadedModels
from stylefuse.web.turns import Turns

LIVE = {"show_progress": "minimal", "trigger_mode": "always_last", "concurrency_limit": 2}


def live_preview(
    models: LoadedModels,
    task_name: str,
    fields: Sequence[Any],
    make_request: MakeRequest,
    output: gr.Image | gr.ImageSlider,
    name: str,
) -> None:
    """Paint a preview whenever a field changes.

    The fast one is shown at once. If the options ask for the quality "painted", it is then painted
    on before the visitor's eyes, until it is finished or a field changes again.

    Args:
        models: paint it.
        task_name: the task.
        fields: whose values make the request.
        make_request: makes it.
        output: shows the picture; an `ImageSlider` shows the first input beside it.
        name: of the preview in the page's API.
    """
    turns = Turns()

    def paths(inputs: dict[str, Any], picture: Image.Image) -> Path | tuple[Path, Path]:
        if not isinstance(output, gr.ImageSlider):
            return preview_path(picture)
        first = limit_side(next(iter(inputs.values())), PREVIEW_SIDE).resize(picture.size)
        return preview_path(first), preview_path(picture)

    def show(visitor: gr.Request, *values: Any) -> tuple[Path | tuple[Path, Path] | None, int]:
        turn = turns.begin(visitor.session_hash)
        request = make_request(*values)
        if not request:
            return None, turn
        inputs, options = request
        return paths(inputs, models.preview(task_name, inputs, options.fast())), turn

    def paint_on(visitor: gr.Request, turn: int, *values: Any) -> Iterator[Any]:
        request = make_request(*values)
        if not request or request[1] == request[1].fast():
            yield gr.skip()
            return
        for picture in models.preview_steps(task_name, *request):
            painted = paths(request[0], picture)
            if turns.current(visitor.session_hash) != turn:
                yield gr.skip()  # at the end Gradio shows again what came last
                return
            yield painted

    # the browser sends it with the values that the preview was made of, however late that is
    shown_turn = gr.Number(0, precision=0, visible=False)
    events = [event for field in fields for event in _changes(field)]
    shown = gr.on(
        events, show_errors(show), list(fields), [output, shown_turn], api_name=f"preview-{name}",
        **LIVE,
    )  # fmt: skip
    shown.success(  # also while an earlier one is about to stop
        paint_on, [shown_turn, *fields], output, api_name=f"painted-{name}", show_progress="hidden",
        trigger_mode="multiple", concurrency_limit=LIVE["concurrency_limit"],
    )  # fmt: skip


def _changes(field: Any) -> list[Any]:
    """The events that report a new value."""
    if isinstance(field, gr.Slider):
        return [field.input]
    if isinstance(field, Mask):
        # `change` follows the upload of a stroke, but the front end swallows the first one
        return [field.input, field.change]
    return [field.change]
