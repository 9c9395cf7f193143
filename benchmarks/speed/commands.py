"""Whole commands as a user runs them: processor time, memory, and how soon the servers answer.

    python -m benchmarks.speed.commands

Needs the registry that `make repro` leaves, and a machine without other load.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from PIL import Image
from tests.support.servers import answers, free_port, stop

from benchmarks import report

PROGRAM = str(Path(sys.executable).with_name("stylefuse"))
PHOTOGRAPH, PAINTING = Path("examples/photograph.jpg"), Path("examples/painting.png")
SIZES = {
    "256.png": (256, 256), "384.png": (384, 384), "512.png": (512, 512),
    "1024.png": (1024, 1024), "large.jpg": (4000, 3000),
}  # fmt: skip
FAST = "--quality", "fast"
COMMANDS = {
    "`stylefuse transfer --quality fast`, 384²": ["384.png", *FAST],
    "… 1024²": ["1024.png", *FAST],
    "… 4000×3000 JPEG": ["large.jpg", *FAST],
    "… 4000×3000 JPEG, `--stroke-size 0.004`": ["large.jpg", *FAST, "--stroke-size", "0.004"],
    "`stylefuse transfer` (painted), 256²": ["256.png"],
    "… painted, 512²": ["512.png"],
    "… painted, 4000×3000 JPEG": ["large.jpg"],
}
SERVERS = {"`stylefuse serve`": ("serve", "/health"), "`stylefuse app`": ("app", "/")}


def main() -> None:
    parser = report.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_pictures(Path(folder))
        painting = {
            name: medians([paint(Path(folder), *arguments) for _ in range(args.rounds)])
            for name, arguments in COMMANDS.items()
        }
    serving = {
        name: medians([start_server(*server) for _ in range(args.rounds)])
        for name, server in SERVERS.items()
    }
    report.write_section(
        args.docs,
        "Whole commands",
        report.table(painting),
        report.table(serving, "until the first answer"),
        f"Medians of {args.rounds} runs in new processes; memory is the peak of the process.",
    )


def write_pictures(folder: Path) -> None:
    photograph = Image.open(PHOTOGRAPH).convert("RGB")
    for name, size in SIZES.items():
        photograph.resize(size, Image.Resampling.BICUBIC).save(folder / name)


def paint(folder: Path, picture: str, *options: str) -> dict[str, float]:
    """Run `stylefuse transfer`, and measure its process."""
    output = folder / f"painted-{picture}"
    style = ["--style", str(PAINTING), "--out", str(output)]
    process = subprocess.Popen(
        [PROGRAM, "transfer", str(folder / picture), *style, *options], stdout=subprocess.DEVNULL
    )
    start = time.perf_counter()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(f"stylefuse transfer {picture} failed")
    output.unlink()
    return {
        "s": seconds,
        "CPU s": usage.ru_utime + usage.ru_stime,
        "peak MiB": usage.ru_maxrss / 1024,
    }


def start_server(command: str, page: str) -> dict[str, float]:
    """Start a server, and measure how long it takes until it answers."""
    port = free_port()
    start = time.perf_counter()
    process = subprocess.Popen([PROGRAM, command, "--port", str(port)], stdout=subprocess.DEVNULL)
    while not answers(f"http://127.0.0.1:{port}", page):
        if process.poll() is not None:
            raise SystemExit(f"stylefuse {command} failed")
        time.sleep(0.05)
    seconds = time.perf_counter() - start
    peak = report.peak_mib(process.pid)
    stop(process)
    return {"s": seconds, "peak MiB": peak}


def medians(runs: list[dict[str, float]]) -> dict[str, str]:
    """The median and the range of each measurement."""
    shown = {}
    for name in runs[0]:
        values = sorted(run[name] for run in runs)
        digits = 0 if "MiB" in name else 2
        low, half, high = (f"{x:.{digits}f}" for x in (values[0], median(values), values[-1]))
        shown[name] = f"{half} ({low}–{high})"
    return shown


if __name__ == "__main__":
    main()
