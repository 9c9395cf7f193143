"""Latency of the web page's sliders in a browser.

    python -m benchmarks.speed.web_page

Needs the models and the data that `make repro` leaves, and Chromium; takes a minute.

Two held-out pictures of 256×256 pixels are uploaded, then a slider is moved repeatedly. Measured is
the time from the browser's event until the page shows another picture. The target is 300 ms.
"""

import shutil
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, sync_playwright
from tests.support.servers import free_port, stop, wait_for

from benchmarks import report

SIDE = 256  # pixels
MOVES, WARM_UP = 24, 3  # of a slider; the first ones compile
SLIDERS = {  # tab → labels of its two pictures and of its slider
    "Transfer": ("Photograph", "Style", "Strength"),
    "Fuse": ("First picture", "Second picture", "Shows more of"),
}
MOVE = """async (panel, [name, value]) => {
  const pictures = () => [...panel.querySelectorAll('img')].map(image => image.src).join('|');
  const slider = [...panel.querySelectorAll('input[type=range]')]
    .find(input => (input.getAttribute('aria-label') || '').includes(name));
  const before = pictures(), start = performance.now();
  slider.value = value;
  slider.dispatchEvent(new Event('input', {bubbles: true}));
  while (pictures() === before) await new Promise(resolve => setTimeout(resolve, 4));
  return performance.now() - start;
}"""


def main() -> None:
    args = report.parser(__doc__).parse_args()
    port = free_port()
    program = str(Path(sys.executable).with_name("stylefuse"))
    server = subprocess.Popen([program, "app", "--port", str(port)])
    try:
        wait_for(lambda: _is_up(port), server)
        with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
            files = [_picture(domain, Path(folder)) for domain in ("photograph", "painting")]
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            rows = {tab: _times(browser, port, tab, files) for tab in SLIDERS}
            browser.close()
    finally:
        stop(server)
    report.write_section(
        args.docs, "Sliders of the web page", report.paragraph(__doc__, -1),
        report.table(rows, f"{MOVES - WARM_UP} moves"),
    )  # fmt: skip


def _is_up(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}").close()
    except OSError:
        return False
    return True


def _picture(domain: str, folder: Path) -> Path:
    tile = np.load(f"data/prepared/test_{domain}.npy", mmap_mode="r")[0]
    path = folder / f"{domain}.png"
    Image.fromarray(tile).resize((SIDE, SIDE)).save(path)
    return path


def _times(browser: Browser, port: int, tab: str, files: list[Path]) -> dict[str, str]:
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.set_default_timeout(120_000)
    page.goto(f"http://127.0.0.1:{port}")
    page.get_by_role("tab", name=tab).click()
    panel = page.get_by_role("tabpanel").locator("visible=true").first
    *labels, slider = SLIDERS[tab]
    for label, file in zip(labels, files, strict=True):
        block = panel.locator(".block", has=page.get_by_text(label, exact=True)).last
        block.locator("input[type=file]").first.set_input_files(file)
        page.wait_for_timeout(5000)
    times = []
    for move in range(MOVES):
        times.append(panel.evaluate(MOVE, [slider, 0.2 + 0.03 * move]))
        page.wait_for_timeout(300)
    page.close()
    measured = times[WARM_UP:]
    return {
        "p50, ms": f"{median(measured):.0f}",
        "p90, ms": f"{np.quantile(measured, 0.9):.0f}",
        "slowest, ms": f"{max(measured):.0f}",
    }


if __name__ == "__main__":
    main()
