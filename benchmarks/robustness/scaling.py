"""Ingest, validate and prepare with up to 100,000 pictures.

    python -m benchmarks.robustness.scaling --pictures 1000 10000 100000

Needs no trained model. Takes about an hour on two busy cores, and 6 GB of disk.

The pictures are JPEG files of 300×300 pixels: gradients and noise of several scales. One in 100 is
a near-duplicate of the one before it, lighter and saved in lower quality; one in 1,000 is cut
short, and left out (`data.on_bad: leave_out`). One in nine is a photograph, of which the tiles are
256 pixels wide; the others are portraits, with tiles of 64 pixels, as 100,000 tiles of 256 pixels
take 20 GB. Each stage runs in a process of its own, as DVC starts it.

Processor time counts all threads; on a machine that does other work it tells more than the time by
the clock. Memory is the largest resident set of a process, or of the benchmark that started
it, where that is larger. *ingest again* is a second run with
unchanged pictures; *wide tiles* is `prepare` with tiles of 256 pixels for all pictures.
"""

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import yaml

from benchmarks import report
from benchmarks.robustness.scaling_pictures import AGAIN, write_pictures
from stylefuse import paths
from stylefuse.data.near_duplicates import near_duplicate_groups

MODULES = {
    "ingest": "stylefuse.data.ingest",
    "validate": "stylefuse.data.validation.validate",
    "prepare": "stylefuse.data.prepare",
}
INGEST_AGAIN, WIDE_TILES = "ingest again", "wide tiles"
WIDE, MAX_WIDE = 256, 10_000  # pixels; pictures, of which such tiles take 2 GB
FIT_FROM = 10_000  # pictures; with fewer, the start of the processes counts


class Cost(NamedTuple):
    """What a process took: seconds by the clock and of processors, and its peak memory in MiB."""

    wall_s: float
    cpu_s: float
    memory_mib: float


def main() -> None:
    arguments = report.parser(__doc__)
    arguments.add_argument("--pictures", type=int, nargs="+", default=[1000, 10_000, 100_000])
    arguments.add_argument("--folder", type=Path, help="keep the pictures here, and use them again")
    args = arguments.parse_args()
    costs: dict[int, dict[str, Cost]] = {}
    found: dict[str, dict[str, str]] = {}
    for count in sorted(args.pictures, reverse=True):  # the longest first
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder)
            source = (args.folder or project).absolute() / str(count)
            if not source.exists():
                write_pictures(source, count)
            costs[count] = _measure(project, source, count <= MAX_WIDE)
            found[f"{count:,}"] = _near_duplicates(project)
    report.write(
        args.docs, "scaling", "Many pictures",
        report.paragraph(__doc__, -2), report.paragraph(__doc__, -1),
        report.table(_cost_table(costs), "pictures, stage"), _fit(costs),
        "Near-duplicates: the pairs that were made, and those of which ingest put both pictures "
        "into one split because it found them alike.",
        report.table(dict(reversed(found.items())), "pictures"),
    )  # fmt: skip


def _measure(project: Path, source: Path, has_wide: bool) -> dict[str, Cost]:
    """Run the stages in a new project with the pictures in `source`."""
    params = yaml.safe_load(paths.PARAMS.read_text())
    params["data"] |= {
        "sources": [
            {"name": f"{domain}s", "domain": domain, "kind": "folder",
             "path": str(source / domain)}
            for domain in ("photograph", "portrait")
        ],
        "networks": {}, "on_bad": "leave_out",
    }  # fmt: skip
    _write_params(project, params)
    costs = {name: _run(module, project) for name, module in MODULES.items()}
    costs[INGEST_AGAIN] = _run(MODULES["ingest"], project)
    if has_wide:
        sides = params["prepare"][params["profile"]]["sides"]
        sides |= dict.fromkeys(sides, WIDE)
        _write_params(project, params)
        costs[WIDE_TILES] = _run(MODULES["prepare"], project)
    return costs


def _write_params(project: Path, params: dict) -> None:
    (project / paths.PARAMS).write_text(yaml.safe_dump(params))


def _run(module: str, project: Path) -> Cost:
    start = time.monotonic()
    search = os.pathsep.join(map(os.path.abspath, filter(None, sys.path)))
    process = subprocess.Popen(
        [sys.executable, "-m", module], cwd=project, env=os.environ | {"PYTHONPATH": search}
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{module} ended with status {process.returncode}")
    cost = Cost(time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
    print(module, *(f"{value:.1f}" for value in cost), flush=True)
    return cost


def _cost_table(costs: Mapping[int, Mapping[str, Cost]]) -> dict[str, dict[str, str]]:
    return {
        f"{count:,}, {name}": {
            "seconds": f"{cost.wall_s:,.0f}",
            "processor seconds": f"{cost.cpu_s:,.0f}",
            "peak memory, MiB": f"{cost.memory_mib:,.0f}",
        }
        for count, stages in sorted(costs.items())
        for name, cost in {**stages, "all three": _total(stages)}.items()
    }


def _total(stages: Mapping[str, Cost]) -> Cost:
    wall_s, cpu_s, memory_mib = zip(*(stages[name] for name in MODULES), strict=True)
    return Cost(sum(wall_s), sum(cpu_s), max(memory_mib))


def _fit(costs: Mapping[int, Mapping[str, Cost]]) -> str:
    """A sentence about how processor time grows."""
    counts = sorted(count for count in costs if count >= FIT_FROM)
    if len(counts) < 2:
        return "Too few sizes for a fit of how processor time grows."

    def exponent(seconds: list[float]) -> float:
        return float(np.polyfit(np.log(counts), np.log(seconds), 1)[0])

    fits = ", ".join(
        f"{exponent([costs[count][name].cpu_s for count in counts]):.2f} for {name}"
        for name in MODULES
    )
    total = exponent([_total(costs[count]).cpu_s for count in counts])
    limit = exponent([count * math.log(count) for count in counts])
    return (
        f"From {counts[0]:,} pictures on, processor time grows like the number of pictures to the "
        f"power of {total:.2f} ({fits}); n·log n is {limit:.2f} in this range."
    )


def _near_duplicates(project: Path) -> dict[str, str]:
    """The planted pairs of near-duplicates that were found and are in one split."""
    manifest = pd.read_parquet(project / paths.MANIFEST)
    bits = yaml.safe_load((project / paths.PARAMS).read_text())["data"]["near_duplicate_bits"]
    groups = near_duplicate_groups([int(phash, 16) for phash in manifest.phash], bits)
    number = manifest.member.str.extract(r"(\d+)", expand=False).astype(int)
    table = pd.DataFrame({"group": groups, "split": manifest.split.to_list()}, number)
    seconds = table[manifest.member.str.contains(AGAIN).to_numpy()]
    firsts = table.reindex(seconds.index - 1)
    same = (seconds.to_numpy() == firsts.to_numpy()).all(axis=1)
    return {"pairs": f"{firsts.group.notna().sum():,}", "found": f"{same.sum():,}"}


if __name__ == "__main__":
    main()
