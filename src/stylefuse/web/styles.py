"""Styles on the page: the shipped ones to choose from, and those of visitors' files.

The field for a style shows a painting. Beside the painting of a learned style lies its file, which
is read in the painting's place.
"""

import hashlib
import re
import string
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from stylefuse.errors import UserError
from stylefuse.fileio import write_atomically
from stylefuse.inference.style_file import SUFFIX, LearnedStyle, open_style, save_style
from stylefuse.inference.style_gallery import shipped_styles
from stylefuse.web.controls import show_errors
from stylefuse.web.fields import ERROR_SECONDS, Picture, page_error
from stylefuse.web.gallery import thumbnails
from stylefuse.web.models import LoadedModels

FOLDER = "style-"  # how the folders of learned styles begin; Gradio's are hexadecimal numbers
LEARNED = f"learned{SUFFIX}"
OF_ANOTHER_MODEL = "This style was learned for another model, so its painting is used."


class StyleField(Picture):
    """A field for a style; its value is a picture, as of `Picture`, or a `LearnedStyle`."""

    def get_block_name(self) -> str:
        return gr.Image.__name__.lower()  # by which Gradio finds the front end

    def preprocess(self, payload: Any) -> Any:
        path = payload and payload.path and Path(payload.path)
        if path and path.parent.name.startswith(FOLDER):
            try:
                return open_style(path.with_name(LEARNED))
            except UserError as error:
                raise page_error(str(error)) from None
        return super().preprocess(payload)


def style_gallery(title: str, field: StyleField, models: LoadedModels) -> None:
    """Thumbnails of the shipped styles, and a button for a file; both fill a field.

    Args:
        title: above the thumbnails.
        field: takes the style, and its title, author and licence are shown below.
        models: paint in it.
    """
    styles = list(shipped_styles().values())
    gallery = thumbnails(title, [(style.pictures[0], _title(style)) for style in styles])
    button = gr.UploadButton(f"Use a {SUFFIX} file", file_types=[SUFFIX], size="sm")
    chosen = gr.Markdown()

    def use(style: LearnedStyle) -> tuple[str, str]:
        if style.weights != models.model("transfer").predictor.model.weights:
            gr.Warning(OF_ANOTHER_MODEL, duration=ERROR_SECONDS)
        return str(style_picture(style)), caption(style)

    def choose(event: gr.SelectData) -> tuple[str, str]:
        return use(styles[event.index])

    def upload(file: str) -> tuple[str, str]:
        return use(open_style(Path(file)))

    gallery.select(show_errors(choose), None, [field, chosen], api_name="choose-style")
    button.upload(show_errors(upload), button, [field, chosen], api_name="upload-style")


def style_picture(style: LearnedStyle) -> Path:
    """Save a learned style for `StyleField`.

    Returns:
        The path of the first painting's picture, with the style beside it.

    Raises:
        UserError: the files cannot be written.
    """
    key = hashlib.sha256(style.code.tobytes() + style.pictures[0].tobytes()).hexdigest()
    path = Path(get_upload_folder()) / f"{FOLDER}{key}" / "painting.png"
    save_style(style, path.with_name(LEARNED))
    write_atomically(path, lambda draft: style.pictures[0].save(draft, "PNG"))
    return path


def caption(style: LearnedStyle) -> str:
    """Title, author and licence as Markdown; they are shown as they are: a file may hold any."""
    return re.sub(f"([{re.escape(string.punctuation)}])", r"\\\1", _title(style))


def _title(style: LearnedStyle) -> str:
    parts = style.name, style.source.partition(" (")[0], style.licence
    return " · ".join(part for part in parts if part)
