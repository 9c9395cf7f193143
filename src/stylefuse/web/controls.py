"""Controls that the tabs share: sliders, the download button, and error messages."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from stylefuse.cancellation import Cancelled
from stylefuse.errors import UserError
from stylefuse.inference.options import STROKE_SIZE, Options
from stylefuse.web.download import download_path, paint_file
from stylefuse.web.fields import FILE_NAME, page_error
from stylefuse.web.file_names import download_name
from stylefuse.web.models import LoadedModels
from stylefuse.web.numbers import Slider

Request = tuple[dict[str, Any], Options]  # inputs and options of a task
MakeRequest = Callable[..., Request | None]  # values of the fields → request, None if incomplete

QUALITY_CHOICES = [("Painted, in about half a minute", "painted"), ("Fast", "fast")]
CLICK = "() => setTimeout(() => document.querySelector('#{0} a, a#{0}, #{0}').click(), 50)"


def before_after(label: str) -> gr.ImageSlider:
    """Two pictures with a slider between them."""
    return gr.ImageSlider(
        label=label, height=380, max_height=380, buttons=["fullscreen"], elem_classes="result",
    )  # fmt: skip


def stroke_size_slider() -> Slider:
    """A slider for the width of brush strokes, in percent of the longer side."""
    return Slider(0.4, 5, 100 * STROKE_SIZE, step=0.1, label="Stroke size, % of the longer side")


def quality_radio() -> gr.Radio:
    """A choice of the quality."""
    return gr.Radio(QUALITY_CHOICES, value="painted", label="Quality")


def download_button(
    models: LoadedModels,
    task_name: str,
    fields: Sequence[Any],
    make_request: MakeRequest,
    output: Any,
    addition: str,
    label: str = "Download at full size",
) -> None:
    """A button that paints at full size and downloads the file.

    Args:
        models: paint it.
        task_name: the task.
        fields: whose values make the request.
        make_request: makes it.
        output: shows the progress.
        addition: to the picture's name, for the name of the file.
        label: of the button.
    """

    def make(visitor: gr.Request, *values: Any) -> Path:
        request = make_request(*values)
        if not request:
            raise UserError("choose the pictures first", code="pictures-missing")
        first = next(iter(request[0].values()))
        is_picture = isinstance(first, Image.Image)
        uploaded = first.info.get(FILE_NAME) if is_picture else f"character-{first}"
        path = download_path(f"{download_name(uploaded, addition)}.png")
        with models.calls.running(visitor.session_hash):
            paint_file(models, task_name, *request, path)
        return path

    downloading_button(label, make, fields, output, addition)


def downloading_button(
    label: str,
    make: Callable[..., Any],
    fields: Sequence[Any],
    progress_on: Any,
    name: str,
    report: Any = None,
) -> None:
    """A button that makes a file and downloads it.

    Args:
        label: of the button.
        make: takes the values of the fields, after what Gradio finds in its signature; returns the
            file's path, and what the report shows if there is one.
        fields: whose values it takes.
        progress_on: the component that shows the progress.
        name: of the button, which no other has.
        report: another output of `make`.
    """
    button = gr.Button(label, variant="primary")
    file = gr.DownloadButton(elem_id=f"file-{name}", elem_classes="download-link")
    event = button.click(
        show_errors(make), list(fields), [file, report] if report else file,
        show_progress="full", show_progress_on=progress_on, api_name=f"download-{name}",
    )  # fmt: skip
    event.success(None, js=CLICK.format(f"file-{name}"))


def show_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with every `UserError` as a message on the page."""

    @functools.wraps(function)  # Gradio looks for visitor and progress in the signature
    def call(*values: Any) -> Any:
        try:
            return function(*values)
        except UserError as error:
            raise page_error(str(error)) from None
        except Cancelled:
            raise page_error("this was stopped, because nobody waited for it") from None

    return call
