"""The tab "Fuse": two pictures in one, with a slider for the content and one for the style."""

from typing import Any

import gradio as gr
from PIL import Image

from stylefuse.images.resize import limit_side
from stylefuse.inference.options import TransferRequestOptions
from stylefuse.web.controls import (
    Request,
    download_button,
    quality_radio,
    stroke_size_slider,
)
from stylefuse.web.download import preview_path
from stylefuse.web.fields import Mask, Picture
from stylefuse.web.live_preview import live_preview
from stylefuse.web.models import PREVIEW_SIDE, LoadedModels
from stylefuse.web.numbers import Slider

MODES = [("The more detailed picture wins", "auto"), ("Both are blended", "scalar")]


def fuse_tab(models: LoadedModels) -> list[Any]:
    """Add the tab's components.

    Args:
        models: paint the previews and the downloads.

    Returns:
        The fields with settings.
    """
    limits = models.limits
    with gr.Row(elem_classes="studio"):
        with gr.Column():
            with gr.Row(elem_classes="pictures"):
                first = Picture("First picture", limits, height=200)
                second = Picture("Second picture", limits, height=200)
            with gr.Accordion("Mask: brush over what to keep of the first picture", open=False):
                brushed = Mask("Mask", limits, height=340)
                uploaded = Picture(
                    "Or upload a mask, white where the first picture is kept", limits, height=160
                )
            first.change(_to_brush_on, first, brushed)
        with gr.Column():
            output = gr.Image(
                label="Fusion",
                buttons=["fullscreen"],
                height=380,
                alt_text="The fusion of the two pictures",
                elem_classes="result",
            )
            content = Slider(0, 1, 0.5, step=0.01, label="Shows more of: second ↔ first")
            style = Slider(0, 1, 0.5, step=0.01, label="Painted more like: second ↔ first")
            mode = gr.Radio(MODES, value="auto", label="Without a mask")
            by_region = gr.Checkbox(label="Paint each picture in its own style")
            seamless = gr.Checkbox(label="Hide the seam (slower)")
            strokes = stroke_size_slider()
            quality = quality_radio()
            fields = [
                first, second, brushed, uploaded, content, style, mode, by_region, seamless,
                strokes, quality,
            ]  # fmt: skip
            live_preview(models, "transfer", fields, _request, output, "fusion")
            download_button(models, "transfer", fields, _request, output, "fusion")
    return [content, style, mode, by_region, seamless, strokes, quality]


def _to_brush_on(picture: Image.Image | None) -> str | None:
    return str(preview_path(limit_side(picture, PREVIEW_SIDE))) if picture else None


def _request(
    first: Any,
    second: Any,
    brushed: Any,
    uploaded: Any,
    content: float,
    style: float,
    mode: Any,
    by_region: bool,
    seamless: bool,
    strokes: float,
    quality: Any,
) -> Request | None:
    if first is None or second is None:
        return None
    inputs = {"content": first, "other": second}
    mask = uploaded if uploaded is not None else brushed
    if mask is not None:
        inputs["mask"] = mask
    return inputs, TransferRequestOptions(
        content_balance=content, style_balance=style, style_by_region=by_region,
        mode=mode if mask is None else "auto", seamless=seamless,
        stroke_size=strokes / 100, quality=quality,
    )  # fmt: skip
