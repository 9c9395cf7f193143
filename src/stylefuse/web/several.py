"""Several photographs at once, painted with the settings of a tab into one zip file."""

import html
import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.web.controls import MakeRequest, downloading_button
from stylefuse.web.download import download_path, paint_file
from stylefuse.web.fields import Files, Upload, open_upload
from stylefuse.web.file_names import download_name, unused_name
from stylefuse.web.models import LoadedModels

PROGRESS = gr.Progress()  # as a default, Gradio replaces it by that of the call
MAX_FILES = 100
PLACEHOLDER = Image.new("RGB", (1, 1))  # for each photograph, to ask for the other inputs


def several_photographs(
    models: LoadedModels,
    task_name: str,
    fields: Sequence[Any],
    make_request: MakeRequest,
    addition: str,
) -> None:
    """Add an accordion that paints several photographs and downloads them.

    Args:
        models: paint them, within the limits of one picture.
        task_name: the task.
        fields: whose values make the request; each photograph takes the place of the first.
        make_request: makes it.
        addition: to the photographs' names, for the names of the files.
    """
    with gr.Accordion("Several photographs", open=False):
        gr.Markdown("All are painted at full size with the settings of this tab.")
        files = Files("Photographs", height=160)
        report = gr.Textbox(label="Result", interactive=False)

        def paint(
            visitor: gr.Request,
            progress: gr.Progress = PROGRESS,
            uploads: Sequence[Upload] = (),
            *values: Any,
        ) -> tuple[Path, str]:
            if not uploads:
                raise UserError("choose the photographs first", code="pictures-missing")
            if len(uploads) > MAX_FILES:
                raise UserError(
                    f"choose at most {MAX_FILES} photographs at a time", code="too-many-pictures"
                )
            request = make_request(PLACEHOLDER, *values)
            if not request:
                raise UserError("choose a style first", code="pictures-missing")
            inputs, options = request
            photograph = next(iter(inputs))

            def paint_one(upload: Upload) -> bytes:
                picture = open_upload(upload, "the file", models.limits)
                file = io.BytesIO()
                paint_file(models, task_name, {**inputs, photograph: picture}, options, file)
                return file.getvalue()

            with models.calls.running(visitor.session_hash):
                return paint_into_zip(paint_one, uploads, addition, progress)

        downloading_button(
            "Paint all and download", paint, [files, *fields[1:]], report,
            f"several-{addition}", report,
        )  # fmt: skip


def paint_into_zip(
    paint: Callable[[Upload], bytes], uploads: Sequence[Upload], addition: str, progress: Any
) -> tuple[Path, str]:
    """Paint one after another; one that fails does not stop the others.

    Args:
        paint: makes the PNG file of an uploaded file.
        uploads: at least one.
        addition: to the photographs' names, for the names of the files.
        progress: is called with the number of finished files.

    Returns:
        The path of the zip file, and a text with the reason of each failure.

    Raises:
        UserError: all failed.
        Cancelled: the visitor has gone; there is no file.
    """
    path = download_path(f"stylefuse-{addition}-{date.today()}.zip")
    painted: set[str] = set()
    failed = []
    try:
        with zipfile.ZipFile(path, "w") as archive:  # PNG files are compressed already
            for number, upload in enumerate(uploads):
                progress((number, len(uploads)), desc=upload.name, unit="photographs")
                name = unused_name(download_name(upload.name, addition), painted)
                try:
                    archive.writestr(f"{name}.png", paint(upload))
                    painted.add(name)
                except UserError as error:
                    failed.append(f"{upload.name}: {error}")
                except gr.Error as error:
                    # the report is plain text, and `page_error` escapes what goes into a message
                    failed.append(f"{upload.name}: {html.unescape(error.message)}")
        if not painted:
            raise UserError("; ".join(failed), code="pictures-failed")
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path, "\n".join([f"{len(painted)} of {len(uploads)} were painted.", *failed])
