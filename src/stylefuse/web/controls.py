"""Controls that the tabs share: live previews, the download button, and error messages."""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.resize import limit_side
from stylefuse.inference.options import STROKE_SIZE, Options
from stylefuse.inference.predictor import find_predictor
from stylefuse.web.download import download_path, paint_file, preview_path
from stylefuse.web.fields import FILE_NAME, Mask, page_error
from stylefuse.web.file_names import download_name
from stylefuse.web.models import PREVIEW_SIDE, LoadedModels
from stylefuse.web.numbers import Slider
from stylefuse.web.turns import Turns

Request = tuple[dict[str, Any], Options]  # inputs and options of a task
MakeRequest = Callable[..., Request | None]  # values of the fields → request, None if incomplete

LIVE = {"show_progress": "minimal", "trigger_mode": "always_last", "concurrency_limit": 2}
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

    def show(visitor: gr.Request, *values: Any) -> Path | tuple[Path, Path] | None:
        turns.begin(visitor.session_hash)
        request = make_request(*values)
        if not request:
            return None
        inputs, options = request
        return paths(inputs, models.preview(task_name, inputs, fast(options)))

    def paint_on(visitor: gr.Request, *values: Any) -> Iterator[Any]:
        turn = turns.current(visitor.session_hash)
        request = make_request(*values)
        if not request or request[1] == fast(request[1]):
            yield gr.skip()
            return
        for picture in models.preview_steps(task_name, *request):
            if turns.current(visitor.session_hash) != turn:
                return
            yield paths(request[0], picture)

    events = [event for field in fields for event in _changes(field)]
    shown = gr.on(
        events, show_errors(show), list(fields), output, api_name=f"preview-{name}", **LIVE
    )
    if hasattr(find_predictor(task_name).options, "quality"):
        shown.success(  # also while an earlier one is about to stop
            paint_on, list(fields), output, api_name=f"painted-{name}", show_progress="hidden",
            trigger_mode="multiple", concurrency_limit=LIVE["concurrency_limit"],
        )  # fmt: skip


def fast(options: Options) -> Options:
    """The options with the quality "fast", where there is one."""
    return replace(options, quality="fast") if hasattr(options, "quality") else options  # type: ignore[call-arg]


def quality_radio() -> gr.Radio:
    """A choice of the quality."""
    return gr.Radio(QUALITY_CHOICES, value="painted", label="Quality")


def _changes(field: Any) -> list[Any]:
    """The events that report a new value."""
    if isinstance(field, gr.Slider):
        return [field.input]
    if isinstance(field, Mask):
        # `change` follows the upload of a stroke, but the front end swallows the first one
        return [field.input, field.change]
    return [field.change]


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

    def make(*values: Any) -> Path:
        request = make_request(*values)
        if not request:
            raise UserError("choose the pictures first", code="pictures-missing")
        first = next(iter(request[0].values()))
        is_picture = isinstance(first, Image.Image)
        uploaded = first.info.get(FILE_NAME) if is_picture else f"character-{first}"
        path = download_path(f"{download_name(uploaded, addition)}.png")
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
        make: takes the values of the fields, after the progress if it reports one; returns the
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

    @functools.wraps(function)  # Gradio looks for the progress in the signature
    def call(*values: Any) -> Any:
        try:
            return function(*values)
        except UserError as error:
            raise page_error(str(error)) from None

    return call
