"""Controls that the tabs share: live previews, the download button, and error messages."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.resize import limit_side
from stylefuse.inference.options import STROKE_SIZE, Options
from stylefuse.inference.predictor import find_predictor
from stylefuse.web.download import write_download
from stylefuse.web.models import PREVIEW_SIDE, LoadedModels

Request = tuple[dict[str, Any], Options]  # inputs and options of a task
MakeRequest = Callable[..., Request | None]  # values of the fields → request, None if incomplete

LIVE = {"show_progress": "minimal", "trigger_mode": "always_last", "concurrency_limit": 2}
CLICK = "() => setTimeout(() => document.querySelector('#{0} a, a#{0}, #{0}').click(), 50)"
ERROR_SECONDS = 20


def before_after(label: str) -> gr.ImageSlider:
    """Two pictures with a slider between them."""
    return gr.ImageSlider(
        label=label, format="png", type="pil", height=380, max_height=380, buttons=["fullscreen"]
    )


def stroke_size_slider() -> gr.Slider:
    """A slider for the width of brush strokes, in percent of the longer side."""
    return gr.Slider(0.4, 5, 100 * STROKE_SIZE, step=0.1, label="Stroke size, % of the longer side")


def live_preview(
    models: LoadedModels,
    task_name: str,
    fields: Sequence[Any],
    make_request: MakeRequest,
    output: gr.Image | gr.ImageSlider,
) -> None:
    """Paint a preview whenever a field changes.

    Args:
        models: paint it.
        task_name: the task.
        fields: whose values make the request.
        make_request: makes it.
        output: shows the picture; an `ImageSlider` shows the first input beside it.
    """

    def show(*values: Any) -> Image.Image | tuple[Image.Image, Image.Image] | None:
        request = make_request(*values)
        if not request:
            return None
        picture = models.preview(task_name, *request)
        if not isinstance(output, gr.ImageSlider):
            return picture
        first = next(iter(request[0].values()))
        return limit_side(first, PREVIEW_SIDE).resize(picture.size), picture

    events = [
        getattr(field, "input" if isinstance(field, gr.Slider) else "change") for field in fields
    ]
    gr.on(events, show_errors(show), list(fields), output, **LIVE)


def download_button(
    models: LoadedModels,
    task_name: str,
    fields: Sequence[Any],
    make_request: MakeRequest,
    file_name: str,
    label: str = "Download at full size",
) -> None:
    """A button that paints at full size and downloads the file.

    Args:
        models: paint it.
        task_name: the task.
        fields: whose values make the request.
        make_request: makes it.
        file_name: without suffix.
        label: of the button.
    """
    button = gr.Button(label, variant="primary")
    file = gr.DownloadButton(elem_id=f"file-{file_name}", elem_classes="download-link")

    def make(*values: Any) -> Path:
        request = make_request(*values)
        if not request:
            raise UserError("choose the pictures first", code="pictures-missing")
        picture = models.paint(task_name, *request)
        settings = models.settings(task_name, *request)
        return write_download(
            picture, find_predictor(task_name).picture_origin(), settings, file_name
        )

    event = button.click(show_errors(make), list(fields), file, show_progress="minimal")
    event.success(None, js=CLICK.format(f"file-{file_name}"))


def show_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with every `UserError` as a message on the page."""

    def call(*values: Any) -> Any:
        try:
            return function(*values)
        except UserError as error:
            raise gr.Error(str(error), title="That did not work", duration=ERROR_SECONDS) from None

    return call
