"""Gradio fields that open uploaded pictures with `open_picture`, as the rest of the project does.

Gradio's own fields would pass any file to Pillow, whatever its format and size.
"""

import html
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from cachetools import LRUCache
from gradio.components.base import server
from gradio.components.image_editor import AcceptBlobs
from PIL import Image, ImageChops

from stylefuse.config import Serve
from stylefuse.errors import UserError
from stylefuse.images.open import open_picture
from stylefuse.images.resize import limit_side

ERROR_SECONDS = 20  # that a message stays
UNKNOWN_FORMAT = (
    "This file is not a picture I can open (PNG, JPEG, WebP, AVIF, HEIC, TIFF, BMP, GIF)"
)
FILE_NAME = "file_name"  # key of the uploaded file's name in the `info` of a picture
BRUSH = "#e11d48", 0.5  # colour and opacity: the picture stays visible below the mask
PAINTED = round(255 * BRUSH[1] / 2)  # alpha from which a pixel counts as painted
MAX_STROKES = 16  # uploaded by all visitors together, and kept
MAX_LAYERS = 2  # of a mask
LAYER_INDICES = {*map(str, range(MAX_LAYERS)), "", "None", "null"}  # empty: it is no layer
MAX_ID_CHARS = 64  # of what an upload is called


class Picture(gr.Image):
    """A field for a picture; its value is an upright picture, "RGB" or "RGBA", or None. The
    picture's `info` has the uploaded file's name.

    Args:
        label: of the field.
        limits: a picture of more than their `max_pixels` is rejected, and one that is larger than
            their `max_side` is scaled down at once, so that no request holds several large ones.
        options: of `gr.Image`.
    """

    is_template = True  # Gradio shows it with the front end of `gr.Image`

    def __init__(self, label: str, limits: Serve, **options: Any):
        self.limits = limits
        super().__init__(
            label=label, type="pil", image_mode=None, sources=["upload", "clipboard"],
            buttons=[], placeholder="Drop or click", **options,
        )  # fmt: skip

    def get_config(self, cls: Any = None) -> dict[str, Any]:
        return super().get_config(gr.Image)  # the front end needs all of its own options

    def preprocess(self, payload: Any) -> Image.Image | None:
        if payload is None:
            return None
        picture = open_upload(payload, self.label, self.limits)
        picture.info[FILE_NAME] = payload.orig_name
        return picture


class Upload(NamedTuple):
    """An uploaded file, which may be anything."""

    path: Path
    name: str


class Files(gr.File):
    """A field for several files; its value is a list of `Upload`.

    Args:
        label: of the field.
        options: of `gr.File`.
    """

    is_template = True

    def __init__(self, label: str, **options: Any):
        super().__init__(label=label, file_count="multiple", **options)

    def get_config(self, cls: Any = None) -> dict[str, Any]:
        return super().get_config(gr.File)

    def preprocess(self, payload: Any) -> list[Upload]:
        files = payload.root if payload else []
        return [Upload(Path(file.path), file.orig_name or Path(file.path).name) for file in files]


class Mask(gr.ImageEditor):
    """A field to paint a mask on a picture; its value is a picture of mode "L", white where the
    user painted, or None if the user painted nothing.

    Args:
        label: of the field.
        limits: of the mask, as of `Picture`.
        options: of `gr.ImageEditor`.
    """

    is_template = True

    def __init__(self, label: str, limits: Serve, **options: Any):
        self.limits = limits
        super().__init__(
            label=label, type="pil", sources=(), transforms=(), layers=False, buttons=[],
            brush=gr.Brush(colors=[BRUSH], default_color=BRUSH, color_mode="fixed"), **options,
        )  # fmt: skip
        # Gradio uploads every stroke in advance, and would keep those that nobody asks for
        self.blob_storage: LRUCache[str, Any] = LRUCache(MAX_STROKES)

    def get_config(self, cls: Any = None) -> dict[str, Any]:
        return super().get_config(gr.ImageEditor)

    @server
    def accept_blobs(self, data: AcceptBlobs) -> None:
        """Keep a stroke. Gradio would make room for a layer of any number, and keep pictures that
        the mask does not need."""
        fields = data.data
        index, name = str(fields["index"]), str(fields["id"])
        if len(name) > MAX_ID_CHARS or index not in LAYER_INDICES:
            raise page_error("this is no stroke of a mask")
        if fields["type"] == "layer":
            super().accept_blobs(data)

    def preprocess(self, payload: Any) -> Image.Image | None:
        if payload is None:
            return None
        if payload.id is not None:  # the layers were uploaded in requests of their own
            payload = self.blob_storage.get(payload.id)  # the preview asks twice
        parts = [part for part in getattr(payload, "layers", ()) if part]
        if len(parts) > MAX_LAYERS:
            raise page_error(f"a mask has at most {MAX_LAYERS} layers")
        mask = None
        for part in parts:  # one after another: each may be large
            layer = open_upload(part, "the mask", self.limits)
            alpha = layer.convert("RGBA").getchannel("A")
            mask = ImageChops.lighter(mask, alpha) if mask else alpha
        if mask is None:
            return None
        mask = mask.point(lambda alpha: 255 if alpha >= PAINTED else 0)
        return mask if mask.getextrema()[1] else None


def open_upload(part: Any, name: str, limits: Serve) -> Image.Image:
    """Open an uploaded picture, scaled down to the limit of a side.

    Args:
        part: the file's bytes, or Gradio's record with its path.
        name: of the picture in messages.
        limits: a picture of more than their `max_pixels` is rejected.

    Raises:
        gr.Error: the picture cannot be opened; the page shows the message.
    """
    path = getattr(part, "path", None)
    source = part if isinstance(part, bytes) else Path(path) if path else b""
    try:
        return limit_side(open_picture(source, name, limits.max_pixels), limits.max_side)
    except UserError as error:
        is_unknown = error.code == "picture-format-unsupported"
        message = UNKNOWN_FORMAT if is_unknown else str(error)
        raise page_error(message) from None


def page_error(message: str) -> gr.Error:
    """An error of the user, which the page shows and the terminal does not.

    Args:
        message: plain text; Gradio would render markup, such as that in a file's name.
    """
    escaped = html.escape(message, quote=False)
    return gr.Error(escaped, duration=ERROR_SECONDS, print_exception=False)
