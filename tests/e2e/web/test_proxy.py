"""The page behind a reverse proxy that shows it below a path of its own."""

import shutil
import threading
import time

import pytest
import uvicorn
from playwright.sync_api import expect, sync_playwright

from tests.support.reverse_proxy import reverse_proxy
from tests.support.servers import free_port, server

CHROMIUM = shutil.which("chromium")
TIMEOUT_MS = 600_000  # a busy machine may need minutes


@pytest.fixture
def address(project, tmp_path):
    """Of the proxy."""
    folder = shutil.copytree(project, tmp_path / "project", symlinks=True)
    params = folder / "params.yaml"
    params.write_text(params.read_text().replace('root_path: ""', "root_path: /paint"))
    port = free_port()
    with server("app", port, folder / "log", path="/", folder=folder):
        proxy = reverse_proxy("/paint", f"http://127.0.0.1:{port}")
        running = uvicorn.Server(uvicorn.Config(proxy, port=free_port(), log_level="warning"))
        thread = threading.Thread(target=running.run)
        thread.start()
        while not running.started:
            time.sleep(0.05)
        yield f"http://localhost:{running.config.port}/paint/"
        running.should_exit = True
        running.force_exit = True
        thread.join()


@pytest.mark.skipif(not CHROMIUM, reason="needs chromium")
def test_the_page_paints_behind_a_proxy(address, project):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(TIMEOUT_MS)
        own, requested = (address, "data:", "blob:"), []
        page.on("request", lambda request: requested.append(request.url))
        page.goto(address)
        page.get_by_role("tab", name="Restore").click()
        panel = page.get_by_role("tabpanel").locator("visible=true").first
        panel.locator("input[type=file]").first.set_input_files(project / "a.png")
        expect(panel.locator(".result img").first).to_be_visible(timeout=TIMEOUT_MS)
        assert all(url.startswith(own) for url in requested)
        browser.close()
