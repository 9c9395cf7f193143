"""The page: a tab for each thing that the models do, and the versions of the models."""

from pathlib import Path

import gradio as gr

from stylefuse.paths import BASE_MODELS, SHIPPED_MODELS
from stylefuse.web.models import MODELS, PREVIEW_SIDE, LoadedModels
from stylefuse.web.settings import keep_settings
from stylefuse.web.tabs.characters import characters_tab
from stylefuse.web.tabs.fuse import fuse_tab
from stylefuse.web.tabs.portraits import portraits_tab
from stylefuse.web.tabs.restore import restore_tab
from stylefuse.web.tabs.transfer import transfer_tab

TITLE = "stylefuse"
KEEP_FILES_S = 3600  # how long Gradio keeps files of the page
MAX_WAITING = 64  # requests; each is kept with what it was sent


def build_page(models: LoadedModels) -> gr.Blocks:
    """Build the page.

    Args:
        models: paint its pictures.

    Returns:
        The page, ready to be mounted.
    """
    delete_cache = (KEEP_FILES_S, KEEP_FILES_S)
    with gr.Blocks(title=TITLE, analytics_enabled=False, delete_cache=delete_cache) as page:
        gr.Markdown(
            "# stylefuse\nPaint a photograph in the style of a painting, fuse two pictures, "
            "restore a damaged photograph, paint a person as a character, or invent one."
        )
        with gr.Tab("Transfer"):
            settings = {"transfer": transfer_tab(models)}
        with gr.Tab("Fuse"):
            settings["fuse"] = fuse_tab(models)
        with gr.Tab("Restore"):
            settings["restore"] = restore_tab(models)
        with gr.Tab("Characters"):
            settings["characters"] = characters_tab(models)
        with gr.Tab("Portraits") as portraits:
            settings["portraits"] = portraits_tab(models, portraits)
        gr.Markdown(
            f"Previews have at most {PREVIEW_SIDE} pixels on the longer side. Downloads have full "
            f"size; pictures of more than {models.limits.max_side} pixels are scaled down to that. "
            "Their metadata name the model and the settings."
        )
        with gr.Accordion("Models", open=False):
            versions = gr.Markdown()
        page.load(lambda: model_list(models), None, versions, api_name="models")
        for tab, fields in settings.items():
            keep_settings(page, tab, fields)
    return page.queue(max_size=MAX_WAITING)


def model_list(models: LoadedModels) -> str:
    """Which model each task uses, as a Markdown list."""
    versions = models.refresh()
    return "\n".join(f"- {name.capitalize()}: {_label(versions.get(name))}" for name in MODELS)


def _label(version: str | None) -> str:
    """`Model version 1` for `stylefuse-transfer/1`."""
    if version is None:
        return "no model yet; `make repro` trains one"
    if Path(version).parent in (BASE_MODELS, SHIPPED_MODELS):
        return "the model that comes with stylefuse"
    _, _, number = version.rpartition("/")
    return f"Model version {number}" if number.isdecimal() else f"Model in the folder {version}"
