"""The tab "Restore": a damaged photograph, repaired."""

from typing import Any

import gradio as gr

from stylefuse.inference.options import Names, RestoreOptions
from stylefuse.web.controls import Request, before_after, download_button
from stylefuse.web.fields import Picture
from stylefuse.web.gallery import EXAMPLE_DAMAGED, picture_gallery
from stylefuse.web.live_preview import live_preview
from stylefuse.web.models import LoadedModels
from stylefuse.web.numbers import Slider
from stylefuse.web.several import several_photographs

KINDS = [
    ("Blur", "blur"),
    ("Low resolution", "small"),
    ("Noise", "noise"),
    ("JPEG blocks", "jpeg"),
    ("Scratches", "scratches"),
    ("Folds", "folds"),
    ("Film grain", "grain"),
    ("Print screen", "halftone"),
    ("Fading", "fading"),
    ("Sepia", "sepia"),
]


def restore_tab(models: LoadedModels) -> list[Any]:
    """Add the tab's components.

    Args:
        models: paint the previews and the downloads.

    Returns:
        The fields with settings.
    """
    with gr.Row(elem_classes="studio"):
        with gr.Column():
            picture = Picture(
                "Damaged photograph", models.limits, height=380, elem_classes="pictures"
            )
            picture_gallery("Or try a photograph:", EXAMPLE_DAMAGED, picture)
        with gr.Column():
            output = before_after("Damaged and restored")
            strength = Slider(0, 1, 1, step=0.01, label="Strength")
            scale = gr.Radio(
                [("Same size", 1), ("2 times larger", 2), ("4 times larger", 4)], value=1,
                label="Size",
            )  # fmt: skip
            with gr.Accordion("Choose the kinds of damage", open=False):
                only = gr.CheckboxGroup(
                    KINDS, label="Mend only these", info="also where they are not found"
                )
                keep = gr.CheckboxGroup(KINDS, label="Leave these as they are")
            settings = [strength, only, keep, scale]
            fields = [picture, *settings]
            live_preview(models, "restore", fields, _request, output, "restore")
            download_button(models, "restore", fields, _request, output, "restored")
            several_photographs(models, "restore", fields, _request, "restored")
    return settings


def _request(
    picture: Any, strength: float, only: list[str], keep: list[str], scale: int
) -> Request | None:
    if picture is None:
        return None
    return {"picture": picture}, RestoreOptions(strength, Names(only), Names(keep), scale)
