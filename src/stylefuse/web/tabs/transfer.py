"""The tab "Transfer": a photograph in the style of a painting."""

from typing import Any

import gradio as gr

from stylefuse.inference.options import TransferRequestOptions
from stylefuse.web.controls import (
    Request,
    before_after,
    download_button,
    live_preview,
    stroke_size_slider,
)
from stylefuse.web.fields import Picture
from stylefuse.web.gallery import Style
from stylefuse.web.models import LoadedModels

COLOURS = [
    ("Painting's colours", "none"),
    ("Keep the photo's colours", "luminance"),
    ("Keep the photo's palette", "match"),
]


def transfer_tab(models: LoadedModels, styles: dict[str, Style]) -> None:
    """Add the tab's components.

    Args:
        models: paint the previews and the downloads.
        styles: to choose from, see `gallery_styles`.
    """
    max_pixels = models.limits.max_pixels
    with gr.Row():
        with gr.Column():
            content = Picture("Photograph", max_pixels, height=260)
            style = Picture("Style", max_pixels, height=200)
            _style_gallery(styles, style)
        with gr.Column():
            output = before_after("Photograph and painting")
            strength = gr.Slider(0, 1, 1, step=0.01, label="Strength")
            colours = gr.Radio(COLOURS, value="none", label="Colours")
            strokes = stroke_size_slider()
            fields = [content, style, strength, colours, strokes]
            live_preview(models, "transfer", fields, _request, output)
            download_button(models, "transfer", fields, _request, "transfer")


def _request(
    content: Any, style: Any, strength: float, colours: Any, strokes: float
) -> Request | None:
    if content is None or style is None:
        return None
    options = TransferRequestOptions(
        strength=strength, preserve_color=colours, stroke_size=strokes / 100
    )
    return {"content": content, "style": style}, options


def _style_gallery(styles: dict[str, Style], field: Picture) -> None:
    """Thumbnails; a click puts the painting into the field."""
    if not styles:
        gr.Markdown("*`make repro` fetches paintings to choose a style from.*")
        return
    gr.Markdown("Or choose a painting:")
    gallery = gr.Gallery(
        list(styles.values()), label="Styles", show_label=False, columns=5, height=230,
        allow_preview=False, object_fit="cover", buttons=[], elem_classes="styles",
    )  # fmt: skip
    caption, paths = gr.Markdown(), list(styles)

    def choose(event: gr.SelectData) -> tuple[str, str]:
        path = paths[event.index]
        return path, styles[path][1]

    gallery.select(choose, None, [field, caption])
