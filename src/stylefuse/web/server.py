"""The page's server: on loopback, for requests to its own name and about uploaded files, without
content of other sites."""

import os
import sys
import tempfile
import threading
from pathlib import Path

from stylefuse.allocator import return_large_blocks, trim_regularly
from stylefuse.config import Serve
from stylefuse.errors import UserError
from stylefuse.ports import LOOPBACK, require_free_port
from stylefuse.serving.host_check import FORWARDED, HostCheck
from stylefuse.web.closed_paths import closed_paths
from stylefuse.web.upload_check import UploadCheck
from stylefuse.web.upload_quota import UploadQuota
from stylefuse.web.visitors import Visitors

CSS, SCRIPT = (Path(__file__).with_name(f"page.{suffix}") for suffix in ("css", "js"))
# names of Gradio's colours: its default shades have too little contrast with each other
CONTRAST = {
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
MAX_UPLOAD = "64mb"  # size of a file


def app(limits: Serve, port: int) -> HostCheck:
    """The page as an ASGI application; loads the models in the background.

    Args:
        limits: of pictures, and the host names that the page answers to.
        port: that the application will be served at.

    Raises:
        UserError: Gradio is not installed.
    """
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    try:
        import gradio as gr
    except ImportError:
        raise UserError(
            "the page needs Gradio; install the wheel with its extra, `pip install 'WHEEL[app]'`",
            code="package-missing",
        ) from None
    from fastapi import FastAPI
    from gradio.utils import get_upload_folder

    from stylefuse.web.gallery import EXAMPLES
    from stylefuse.web.models import LoadedModels
    from stylefuse.web.page import build_page

    models = LoadedModels(limits)
    threading.Thread(target=models.warm_up, daemon=True).start()
    fonts = ["system-ui", "sans-serif"]  # Gradio would load its own from another site
    theme = gr.themes.Soft(font=fonts, font_mono=["ui-monospace", "monospace"]).set(**CONTRAST)
    blocks = build_page(models)
    page = gr.mount_gradio_app(
        FastAPI(), blocks, "/",
        server_name=LOOPBACK, server_port=port, footer_links=["settings"],
        theme=theme, css_paths=CSS, js=SCRIPT.read_text(),
        allowed_paths=[str(EXAMPLES)], max_file_size=MAX_UPLOAD, show_error=True,
        enable_monitoring=False, ssr_mode=False, root_path=limits.root_path or None,
    )  # fmt: skip
    uploads = Path(get_upload_folder())
    queue = blocks._queue

    def pending(session: str) -> int:
        asked = queue.pending_event_ids_session.get(session, ())
        return sum(request in queue.event_ids_to_events for request in asked)

    limited = UploadQuota(Visitors(page, models.calls, pending), uploads)
    checked = UploadCheck(limited, uploads, limits.receive_seconds)
    return HostCheck(closed_paths(checked), limits.hosts, FORWARDED)


def run(limits: Serve, port: int) -> None:
    """Serve the page until SIGINT or SIGTERM.

    Args:
        limits: of pictures, and the host names that the page answers to.
        port: to listen on.

    Raises:
        UserError: the port is in use, or Gradio is not installed.
    """
    require_free_port(LOOPBACK, port)
    trim_regularly()
    return_large_blocks()
    import uvicorn

    from stylefuse.serving.connections import BACKLOG, LimitedProtocol

    with tempfile.TemporaryDirectory(prefix="stylefuse-app-") as private:
        # Gradio's own folder is one for all users, who can read what others upload
        os.environ.setdefault("GRADIO_TEMP_DIR", private)
        page = app(limits, port)
        sys.stdout.write(f"the page: http://{LOOPBACK}:{port}\n")
        sys.stdout.flush()
        uvicorn.run(
            page, host=LOOPBACK, port=port, log_level="warning", access_log=False,
            http=LimitedProtocol, backlog=BACKLOG,
        )  # fmt: skip
