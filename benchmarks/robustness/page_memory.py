"""Memory of the web page over many pictures.

    python -m benchmarks.robustness.page_memory --pictures 500

Needs only the shipped models. Takes about twenty minutes on two busy cores.

Every picture is a new one, of a size of its own. Each is uploaded and previewed; of ten pictures,
two are also downloaded at full size, one is fused with a second, and one is restored. Measured is
the resident memory of the server's process: after a picture, when it keeps memory for the next, and
later. The first rows include what is loaded and cached when it is first needed. Expected: no growth
after the first hundred pictures.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from tests.support.gradio_page import call, reference, upload
from tests.support.models import noise
from tests.support.servers import answers, free_port, stop, wait_for

from benchmarks import report
from stylefuse.allocator import TRIM_S

SIDES = 160, 400  # pixels, of the shorter and of the longer side
SETTLE_S = 2 + TRIM_S  # until freed memory was given back
STROKES = 1.5625  # percent of the longer side


def main() -> None:
    arguments = report.parser(__doc__)
    arguments.add_argument("--pictures", type=int, default=500, help="(default: %(default)s)")
    arguments.add_argument("--every", type=int, default=50, help="pictures per row")
    args = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = _measure(Path(folder), args.pictures, args.every)
    report.write(
        args.docs, "page-memory", "Memory of the web page",
        report.paragraph(__doc__, -1), report.table(rows, "pictures"),
    )  # fmt: skip


def _measure(folder: Path, pictures: int, every: int) -> dict[str, dict[str, str]]:
    port = free_port()
    program = str(Path(sys.executable).with_name("stylefuse"))
    server = subprocess.Popen(
        [program, "app", "--port", str(port)],
        env=os.environ | {"GRADIO_TEMP_DIR": str(folder / "cache")},
    )
    rows = {}
    try:
        address = f"http://127.0.0.1:{port}"
        wait_for(lambda: answers(address, "/"), server)
        process = psutil.Process(server.pid)
        for number in range(pictures + 1):
            if number % every == 0:
                painting = process.memory_info().rss / 2**20
                time.sleep(SETTLE_S)
                settled = process.memory_info().rss / 2**20
                print(number, f"{painting:.0f}, {settled:.0f} MiB", flush=True)
                rows[str(number)] = {
                    "while painting, MiB": f"{painting:.0f}",
                    f"{SETTLE_S} seconds later, MiB": f"{settled:.0f}",
                }
            _use(address, number, folder)
    finally:
        stop(server)
    return rows


def _use(address: str, number: int, folder: Path) -> None:
    photograph, painting = (
        reference(upload(address, _picture(folder / name, number))) for name in ("a.png", "b.png")
    )

    def paint(function: str, *values: object) -> None:
        answer = call(address, function, *values)
        if isinstance(answer, int) or not answer["success"]:
            raise RuntimeError(f"{function}: {answer}")

    transfer = [photograph, painting, None, 1, None, 1, 1, "none", STROKES, "painted"]
    paint("preview-transfer", *transfer)
    if number % 5 == 0:
        paint("download-transfer", *transfer)
    if number % 10 == 1:
        fusion = [
            photograph,
            painting,
            None,
            None,
            0.5,
            0.5,
            "auto",
            False,
            False,
            STROKES,
            "painted",
        ]
        paint("preview-fusion", *fusion)
    if number % 10 == 2:
        paint("preview-restore", photograph, 1, [], [], 1)


def _picture(path: Path, number: int) -> Path:
    """A picture that differs from all others."""
    seed = 2 * number + (path.stem == "b")
    width, height = np.random.default_rng(seed).integers(*SIDES, 2).tolist()
    noise(width // 8, height // 8, seed=seed).resize((width, height)).save(path)
    return path


if __name__ == "__main__":
    main()
