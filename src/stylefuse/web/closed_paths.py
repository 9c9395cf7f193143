"""Paths of Gradio that the page's own JavaScript does not use."""

import re

from stylefuse.serving.host_check import ASGIApp
from stylefuse.serving.path_check import PathCheck

# What they are for: components of other authors, programs that call the page, links to a session's
# state, editing the page's code, monitoring, and accounts and storage at Hugging Face.
CLOSED = re.compile(
    r"""(?:/gradio_api)?/(?:
        custom_component | call | run | api | info | api_info | openapi\.json | deep_link
        | (?:undo-)?vibe-[^/]* | monitoring | profiling | runs | run-history | process_recording
        | proxy=.* | dev | token | user | app_id | login_check | stream
    )(?:/.*)?""",
    re.VERBOSE | re.DOTALL,
)


def closed_paths(app: ASGIApp) -> PathCheck:
    """The page without the closed paths, which are answered 404.

    Args:
        app: Gradio's application.
    """
    return PathCheck(app, lambda path: not CLOSED.fullmatch(path), 404, "not found")
