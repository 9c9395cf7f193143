"""The page's server: on loopback, under its own name, and with nothing from elsewhere."""

import os
import sys
import threading
from pathlib import Path

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.ports import LOOPBACK, refuse_busy
from stylefuse.serving.host_check import HostCheck

CSS, PROGRAM = (Path(__file__).with_name(f"page.{kind}") for kind in ("css", "js"))
# names of Gradio's colours; its own shades are too light to be read on each other
DEEP = {
    "block_label_text_color": "*primary_700", "block_title_text_color": "*primary_700",
    "block_info_text_color": "*neutral_600", "color_accent": "*primary_700",
    "button_primary_background_fill": "*primary_700",
    "button_primary_background_fill_dark": "*primary_700",
    "button_secondary_background_fill_dark": "*primary_700",
    "button_secondary_background_fill_hover_dark": "*primary_800",
    "checkbox_label_background_fill_dark": "*neutral_700",
    "checkbox_label_background_fill_hover_dark": "*neutral_600",
    "checkbox_label_background_fill_selected": "*primary_700",
    "checkbox_label_background_fill_selected_dark": "*primary_700",
    "block_label_text_color_dark": "*primary_100", "block_title_text_color_dark": "*primary_100",
}  # fmt: skip
MOST_BODY = "64mb"  # of an uploaded file


def app(params: Params, port: int) -> HostCheck:
    """The page as an ASGI application.

    Raises:
        UserError: Gradio is not installed.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    try:
        import gradio as gr
    except ImportError:
        raise UserError("the page needs Gradio; run `pip install 'stylefuse[app]'`") from None
    from fastapi import FastAPI

    from stylefuse.web.models import LoadedModels
    from stylefuse.web.page import Page

    studio = LoadedModels(params)
    threading.Thread(target=studio.warm, daemon=True).start()
    fonts = ["system-ui", "sans-serif"]  # Gradio's own come from another site
    page = gr.mount_gradio_app(
        FastAPI(), Page(studio).build(), "/",
        server_name=LOOPBACK, server_port=port, footer_links=["settings"],
        theme=gr.themes.Soft(font=fonts, font_mono=["ui-monospace", "monospace"]).set(**DEEP),
        css_paths=CSS, js=PROGRAM.read_text(),
        max_file_size=MOST_BODY, show_error=True, enable_monitoring=False, ssr_mode=False,
    )  # fmt: skip
    return HostCheck(page)


def run(params: Params, port: int) -> None:
    """Serve the page until SIGINT or SIGTERM.

    Raises:
        UserError: the port is in use, or Gradio is not installed.
    """
    refuse_busy(LOOPBACK, port)
    import uvicorn

    page = app(params, port)
    sys.stdout.write(f"the page: http://{LOOPBACK}:{port}\n")
    sys.stdout.flush()
    uvicorn.run(page, host=LOOPBACK, port=port, log_level="warning", access_log=False)
