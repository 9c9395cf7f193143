"""The page answers what its own JavaScript asks for, and no more."""

import pytest

from stylefuse.web.closed_paths import closed_paths
from tests.support.asgi import error_of, request
from tests.unit.serving.test_host_check import app


@pytest.mark.parametrize(
    "path",
    [
        "/", "/config", "/theme.css", "/assets/index.js", "/static/fonts/a.woff2", "/manifest.json",
        "/gradio_api/queue/join", "/gradio_api/queue/data", "/gradio_api/upload",
        "/gradio_api/upload_progress", "/gradio_api/file=/uploads/call/a.png", "/gradio_api/cancel",
        "/gradio_api/heartbeat/abc", "/gradio_api/component_server", "/gradio_api/startup-events",
    ],
)  # fmt: skip
def test_paths_of_the_page_are_open(path):
    assert request(closed_paths(app), method="GET", path=path)[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/custom_component/x/client/component/x.js", "/gradio_api/call/preview-transfer",
        "/gradio_api/call/v2/preview-transfer", "/gradio_api/call/two\nlines", "/gradio_api/info",
        "/gradio_api/info/", "/gradio_api/api_info", "/gradio_api/deep_link", "/monitoring",
        "/gradio_api/vibe-edit", "/gradio_api/vibe-code/", "/gradio_api/undo-vibe-edit",
        "/monitoring/summary", "/gradio_api/run/predict", "/gradio_api/run-history/buckets",
        "/gradio_api/proxy=https://example.org", "/gradio_api/openapi.json",
    ],
)  # fmt: skip
def test_other_paths_of_gradio_are_closed(path):
    assert error_of(closed_paths(app), method="GET", path=path)[0] == 404
