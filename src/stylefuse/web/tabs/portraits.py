"""The tab "Portraits": invented characters, by number."""

from pathlib import Path
from typing import Any

import gradio as gr

from stylefuse.inference.options import PortraitOptions
from stylefuse.web.controls import Request, download_button, show_errors
from stylefuse.web.download import preview_path
from stylefuse.web.live_preview import LIVE
from stylefuse.web.models import LoadedModels
from stylefuse.web.numbers import Slider, WholeNumber

CHARACTERS = 12  # shown at a time
SHOWN_SIZE = (256, 256)  # pixels


def portraits_tab(models: LoadedModels, tab: gr.Tab) -> list[Any]:
    """Add the tab's components.

    Args:
        models: paint the previews and the downloads.
        tab: shows the first characters when it is opened.

    Returns:
        The fields with settings.
    """
    with gr.Row(elem_classes="studio"):
        with gr.Column():
            number = WholeNumber(1, 0, "Character number")
            other = WholeNumber(-1, -1, "Blend with character (−1: none)")
            blend = Slider(0, 1, 0.5, step=0.01, label="Blend")
            more = gr.Button(f"{CHARACTERS} more")
        with gr.Column():
            output = gr.Gallery(
                label="Characters",
                columns=4,
                object_fit="contain",
                height=500,
                buttons=["download"],
                elem_classes="result",
            )

    def invent(number: int, other: int, blend: float) -> list[tuple[Path, str]]:
        pictures = []
        for character in range(number, number + CHARACTERS):
            picture = models.preview("portrait", *_request(character, other, blend))
            pictures.append((preview_path(picture.resize(SHOWN_SIZE)), str(character)))
        return pictures

    fields = [number, other, blend]
    events = [tab.select, number.change, other.change, blend.input]
    gr.on(events, show_errors(invent), fields, output, api_name="preview-portrait", **LIVE)
    more.click(lambda number: number + CHARACTERS, number, number)
    download_button(
        models, "portrait", fields, _request, output, "portrait", label="Download this one"
    )
    return fields


def _request(number: int, other: int, blend: float) -> Request:
    return {"seed": number}, PortraitOptions(other, blend)
