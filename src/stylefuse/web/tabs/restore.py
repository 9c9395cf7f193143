"""The tab "Restore": a damaged photograph, repaired."""

from typing import Any

import gradio as gr

from stylefuse.inference.options import RestoreOptions
from stylefuse.web.controls import Request, before_after, download_button, live_preview
from stylefuse.web.fields import Picture
from stylefuse.web.models import LoadedModels


def restore_tab(models: LoadedModels) -> None:
    """Add the tab's components.

    Args:
        models: paint the previews and the downloads.
    """
    with gr.Row():
        with gr.Column():
            picture = Picture("Damaged photograph", models.limits.max_pixels, height=380)
        with gr.Column():
            output = before_after("Damaged and restored")
            strength = gr.Slider(0, 1, 1, step=0.01, label="Strength")
            live_preview(models, "restore", [picture, strength], _request, output)
            download_button(models, "restore", [picture, strength], _request, "restored")


def _request(picture: Any, strength: float) -> Request | None:
    return None if picture is None else ({"picture": picture}, RestoreOptions(strength))
