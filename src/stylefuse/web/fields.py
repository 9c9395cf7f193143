"""Fields of the page that open pictures the one way in which all of the project does.

Gradio's own would hand whatever was sent to Pillow, of any size and format.
"""

from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image, ImageChops

from stylefuse.errors import UserError
from stylefuse.images.open import open_picture


class Picture(gr.Image):
    """A field for a picture; its value is an upright one, "RGB" or "RGBA", or None.

    Args:
        most_pixels: a larger picture is refused.
    """

    is_template = True  # shown by gr.Image's own program

    def __init__(self, label: str, most_pixels: int, **options: Any):
        self.most_pixels = most_pixels
        super().__init__(
            label=label, type="pil", image_mode=None, sources=["upload", "clipboard"],
            buttons=[], **options,
        )  # fmt: skip

    def get_config(self, cls: Any = None) -> dict[str, Any]:
        return super().get_config(gr.Image)  # its program wants all of its own options

    def preprocess(self, payload: Any) -> Image.Image | None:
        return None if payload is None else opened(payload, self.label, self.most_pixels)


class Mask(gr.ImageEditor):
    """A field to paint a mask on a picture; its value is "L", white where something was painted,
    or None where nothing was."""

    is_template = True

    def __init__(self, label: str, most_pixels: int, **options: Any):
        self.most_pixels = most_pixels
        super().__init__(
            label=label, type="pil", sources=(), transforms=(), layers=False, buttons=[],
            brush=gr.Brush(colors=["#ffffff"], color_mode="fixed"), **options,
        )  # fmt: skip

    def get_config(self, cls: Any = None) -> dict[str, Any]:
        return super().get_config(gr.ImageEditor)

    def preprocess(self, payload: Any) -> Image.Image | None:
        if payload is None:
            return None
        if payload.id is not None:  # sent apart from the request, part by part
            payload = self.blob_storage.pop(payload.id, None)
        painted = [opened(part, "the mask", self.most_pixels) for part in payload.layers or ()]
        masks = [part.convert("RGBA").getchannel("A") for part in painted if part]
        if not masks:
            return None
        whole = masks[0]
        for mask in masks[1:]:
            whole = ImageChops.lighter(whole, mask)
        return whole if whole.getextrema()[1] else None


def opened(part: Any, name: str, most_pixels: int) -> Image.Image:
    """A picture that a browser sent.

    Raises:
        gr.Error: it is none that can be read; the page shows the message.
    """
    path = getattr(part, "path", None)
    source = part if isinstance(part, bytes) else Path(path) if path else b""
    try:
        return open_picture(source, name, most_pixels)
    except UserError as error:
        raise gr.Error(str(error), title="This picture cannot be used") from None
