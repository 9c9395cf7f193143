"""`kill -9` at random moments of every stage, the same command again, and the bytes compared.

    python -m benchmarks.robustness.kills
    python -m benchmarks.robustness.kills --kills 6 --others 1      a trial

Trainings are killed `--kills` times in all: every other time at any moment of a process's life,
else as soon as a checkpoint is being written beside an older one. The other stages and `dvc` itself
are killed `--others` times each. Takes about a quarter of an hour on two cores, and needs no data.
Expected: every row ends with the bytes that it ends with undisturbed. "Went on" counts the starts
at which a training said that it goes on from a checkpoint; a kill before the first leaves none.
"""

import argparse
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import psutil
from tests.support.trainings import make_project

from benchmarks import report
from benchmarks.robustness.stages import PYTHON, Case, stages

CLOCK = {"kimg": 0.4, "tick_kimg": 0.02, "sample_kimg": 0.02}  # a checkpoint every five steps
MODELS = ("transfer", "restore", "portrait")


def survive(case: Case, kills: int, stream: random.Random) -> dict[str, str]:
    """Kill a command so often, let it finish, and compare."""
    seconds = case.finish()
    undisturbed = case.digest()
    case.clear()
    with tempfile.TemporaryFile("w+") as said:
        _kill(case, kills, seconds, stream, said)
        if case.start(said).wait():
            raise SystemExit(f"{case.name} failed")
        said.seek(0)
        went_on = said.read().count(" goes on at ") if "train" in case.name else "–"
    same = case.digest() == undisturbed
    print(f"{case.name}: {kills} kills, {'identical' if same else 'DIFFERENT'}", flush=True)
    return {
        "kills": str(kills),
        "went on": str(went_on),
        "same bytes": "yes" if same else "**no**",
    }


def _kill(case: Case, kills: int, seconds: float, stream: random.Random, said: IO[str]) -> None:
    killed = 0
    while killed < kills:
        process = case.start(said)
        if not _ended(process, stream.uniform(0, seconds), case.moment if killed % 2 else None):
            process.kill()
            process.wait()
            killed += 1
            _wait_for_orphans(case.folder)
        elif killed < kills:
            case.clear()  # it was done before its time; once more from nothing


def _ended(process: subprocess.Popen, after: float, moment: Callable[[], bool] | None) -> bool:
    """Whether a process ends by itself before it is time to kill it."""
    until = time.monotonic() + after
    while process.poll() is None:
        if time.monotonic() > until and (moment is None or moment()):
            return False
        time.sleep(0.0005 if moment else 0.01)
    return True


def _wait_for_orphans(folder: Path) -> None:
    """What a killed command had started must end by itself."""
    until = time.monotonic() + 60
    while left := [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(folder)]:
        if time.monotonic() > until:
            raise SystemExit(f"still there a minute after the kill: {[p.cmdline() for p in left]}")
        time.sleep(0.1)


def trainings(root: Path) -> Iterator[Case]:
    for model in MODELS:
        folder = root / model
        make_project(folder, **CLOCK)
        yield Case(
            f"train {model}",
            (PYTHON, "-m", "stylefuse.training", model),
            folder,
            (f"models/{model}", f"reports/train/{model}"),
            lambda folder=folder: writes_another(folder),
        )


def writes_another(folder: Path) -> bool:
    """Whether a checkpoint is being written, and there is an older one."""
    names = [path.suffix for path in (folder / ".ckpt").rglob("step*")]
    return ".part" in names and ".npz" in names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20, help="of trainings, in all")
    parser.add_argument("--others", type=int, default=3, help="of each other stage")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    stream = random.Random(args.seed)
    os.environ["PATH"] = f"{Path(PYTHON).parent}:{os.environ['PATH']}"
    rows = {}
    with tempfile.TemporaryDirectory() as temporary:
        for i, case in enumerate(trainings(Path(temporary))):
            kills = args.kills // len(MODELS) + (i < args.kills % len(MODELS))
            rows[case.name] = survive(case, kills, stream)
        for case in stages(Path(temporary)) if args.others else ():
            rows[case.name] = survive(case, args.others, stream)
    print(report.table(rows, "killed with -9"))


if __name__ == "__main__":
    main()
