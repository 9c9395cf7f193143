"""The tab "Transfer": a photograph in the style of a painting, or of a mix of several."""

from typing import Any

import gradio as gr

from stylefuse.config import Serve
from stylefuse.inference.options import TransferRequestOptions
from stylefuse.web.controls import (
    Request,
    before_after,
    download_button,
    quality_radio,
    stroke_size_slider,
)
from stylefuse.web.fields import Picture
from stylefuse.web.gallery import EXAMPLE_PHOTOGRAPHS, gallery_paintings, picture_gallery
from stylefuse.web.live_preview import live_preview
from stylefuse.web.models import LoadedModels
from stylefuse.web.numbers import Slider
from stylefuse.web.several import several_photographs
from stylefuse.web.styles import StyleField, style_gallery

COLOURS = [
    ("Painting's colours", "none"),
    ("Keep the photo's colours", "luminance"),
    ("Keep the photo's palette", "match"),
]


def transfer_tab(models: LoadedModels) -> list[Any]:
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
                content = Picture("Photograph", limits, height=230)
                style = StyleField("Style", limits, height=230)
            picture_gallery("Or try a photograph:", EXAMPLE_PHOTOGRAPHS, content)
            style_gallery("Or choose a style:", style, models)
            if paintings := gallery_paintings():
                picture_gallery("Or choose a painting of the data:", paintings, style)
            with gr.Accordion("Mix with other styles", open=False):
                second, second_weight = _weighted_style("Second style", limits)
                third, third_weight = _weighted_style("Third style", limits)
        with gr.Column():
            output = before_after("Photograph and painting")
            strength = Slider(0, 1, 1, step=0.01, label="Strength")
            colours = gr.Radio(COLOURS, value="none", label="Colours")
            strokes = stroke_size_slider()
            quality = quality_radio()
            fields = [
                content, style, second, second_weight, third, third_weight, strength, colours,
                strokes, quality,
            ]  # fmt: skip
            live_preview(models, "transfer", fields, _request, output, "transfer")
            download_button(models, "transfer", fields, _request, output, "transfer")
            several_photographs(models, "transfer", fields, _request, "transfer")
    return [second_weight, third_weight, strength, colours, strokes, quality]


def _weighted_style(label: str, limits: Serve) -> tuple[Picture, Slider]:
    with gr.Row():
        style = Picture(label, limits, height=160)
        weight = Slider(
            0, 3, 1, step=0.05, label=f"{label}: weight", info="The first style has weight 1"
        )
    return style, weight


def _request(
    content: Any,
    style: Any,
    second: Any,
    second_weight: float,
    third: Any,
    third_weight: float,
    strength: float,
    colours: Any,
    strokes: float,
    quality: Any,
) -> Request | None:
    if content is None or style is None:
        return None
    others = [(second, second_weight), (third, third_weight)]
    mixed = [(style, 1.0), *((other, weight) for other, weight in others if other and weight)]
    options = TransferRequestOptions(
        strength=strength, preserve_color=colours, stroke_size=strokes / 100, quality=quality,
        style_weights=tuple(weight for _, weight in mixed),
    )  # fmt: skip
    return {"content": content, "style": [picture for picture, _ in mixed]}, options
