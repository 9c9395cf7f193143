"""Speed and memory of a batch on two Dask workers that is killed in the middle and run again.

    python -m benchmarks.speed.batch
    python -m benchmarks.speed.batch --docs .cache/trial --pictures 400          a trial

Crops of 128² pixels of the example photograph are painted in the style of the example painting with
the transfer model that comes with the project. The first run is killed (SIGKILL) when the manifest
holds half of the pictures; the second one continues it; the third one finds everything done. Times
include the start of Prefect and of the workers.
"""

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
from PIL import Image

from benchmarks import report
from stylefuse.painting.manifest import FOLDER, read_manifest

SIDE, CHUNK, WORKERS = 128, 100, 2
POLL_S = 0.5
RESULT = re.compile(r"(\d+) painted, (\d+) skipped, (\d+) failed")


def main() -> None:
    parser = report.parser(__doc__)
    parser.add_argument("--pictures", type=int, default=10_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = dict(measure(Path(folder), args.pictures))
    report.write_section(
        args.docs,
        "Batches on Dask workers",
        report.table(rows, f"{args.pictures} pictures, {WORKERS} workers"),
        report.paragraph(__doc__, 2),
    )


def measure(folder: Path, pictures: int) -> Iterator[tuple[str, dict[str, str]]]:
    write_pictures(folder / "photos", pictures)
    yield "killed in the middle", run(folder, until=pictures // 2)
    yield "run again", run(folder)
    yield "once more", run(folder)


def write_pictures(folder: Path, count: int) -> None:
    folder.mkdir()
    with Image.open("examples/photograph.jpg") as file:
        photograph = file.convert("RGB")
    rng = np.random.default_rng(0)
    for number in range(count):
        x, y = (int(rng.integers(0, side - SIDE)) for side in photograph.size)
        crop = photograph.crop((x, y, x + SIDE, y + SIDE))
        crop.save(folder / f"{number:06}.jpg", quality=90)


def run(folder: Path, until: int | None = None) -> dict[str, str]:
    """Run the flow, and kill it when the manifest has `until` records."""
    out, before = folder / "out", len(read_manifest(folder / "out"))
    command = [sys.executable, "-m", "flows.batch", folder / "photos", "-o", out]
    command += ["--style", "examples/painting.png", "--version", "models/base/transfer"]
    command += ["--workers", str(WORKERS), "--chunk", str(CHUNK)]
    peaks: dict[str, float] = {}
    start = time.monotonic()
    with (folder / "log").open("w+") as log:
        process = psutil.Popen(list(map(str, command)), stdout=log, stderr=log)
        children = []
        while process.poll() is None:
            children = process.children(recursive=True)
            for kind, peak in memory(process, children):
                peaks[kind] = max(peaks.get(kind, 0), peak)
            parts = len(list((out / FOLDER).glob("*.jsonl")))
            if until and parts * CHUNK >= until:
                process.kill()
                process.wait()
            time.sleep(POLL_S)
        seconds = time.monotonic() - start
        log.seek(0)
        output = log.read()
    for child in children:  # Prefect's server outlives a run that was killed
        with suppress(psutil.NoSuchProcess):
            child.kill()
    if process.returncode and not until:
        raise subprocess.CalledProcessError(process.returncode, command, output)
    painted = len(read_manifest(out)) - before
    return {
        "painted": str(painted),
        "skipped": (RESULT.findall(output) or [["", "–"]])[-1][1],
        "seconds": f"{seconds:.0f}",
        "a second": f"{painted / seconds:.1f}" if painted else "–",
        **{f"peak MiB of {kind}": f"{peak:.0f}" for kind, peak in peaks.items()},
    }


def memory(process: psutil.Process, children: list[psutil.Process]) -> Iterator[tuple[str, float]]:
    """The largest memory that each kind of process has held so far, in MiB."""
    kinds = {"the flow": [process], "a worker": [c for c in children if is_worker(c)]}
    for kind, processes in kinds.items():
        for each in processes:
            with suppress(OSError, IndexError):  # it has ended
                yield kind, report.peak_mib(each.pid)


def is_worker(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "spawn_main" in " ".join(process.cmdline())
    return False


if __name__ == "__main__":
    main()
