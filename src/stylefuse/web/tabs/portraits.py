"""The tab "Portraits": invented characters, by number."""

import gradio as gr
from PIL import Image

from stylefuse.inference.options import PortraitOptions
from stylefuse.web.controls import LIVE, Request, download_button, show_errors
from stylefuse.web.models import LoadedModels

CHARACTERS = 12  # shown at a time
SHOWN_SIZE = (256, 256)  # pixels


def portraits_tab(models: LoadedModels) -> None:
    """Add the tab's components.

    Args:
        models: paint the previews and the downloads.
    """
    with gr.Row():
        with gr.Column():
            number = gr.Number(1, label="Character number", precision=0, minimum=0)
            other = gr.Number(-1, label="Blend with character (−1: none)", precision=0, minimum=-1)
            blend = gr.Slider(0, 1, 0.5, step=0.01, label="Blend")
            more = gr.Button(f"{CHARACTERS} more")
        with gr.Column():
            output = gr.Gallery(
                label="Characters",
                columns=4,
                object_fit="contain",
                format="png",
                height=420,
                buttons=["download"],
            )

    def invent(number: int | None, other: int, blend: float) -> list[tuple[Image.Image, str]]:
        first = int(number or 0)
        pictures = []
        for character in range(first, first + CHARACTERS):
            picture = models.preview("portrait", *_request(character, other, blend))
            pictures.append((picture.resize(SHOWN_SIZE), f"character {character}"))
        return pictures

    fields = [number, other, blend]
    gr.on([field.change for field in fields], show_errors(invent), fields, output, **LIVE)
    more.click(lambda number: int(number or 0) + CHARACTERS, number, number)
    download_button(models, "portrait", fields, _request, "portrait", label="Download this one")


def _request(number: int | None, other: int, blend: float) -> Request:
    return {"seed": int(number or 0)}, PortraitOptions(int(other), blend)
