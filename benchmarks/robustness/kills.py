"""Kills every stage with `kill -9` at random moments, runs it again, and compares its outputs.

    python -m benchmarks.robustness.kills
    python -m benchmarks.robustness.kills --kills 6 --others 1      a trial

Trainings are killed `--kills` times in all: every other time at a random moment, the other times
while a checkpoint is being written beside an older one. The other stages and `dvc` itself are
killed `--others` times each. Takes about a quarter of an hour on two cores, and needs no data.

Expected: the outputs of every row have the same bytes as without kills. “Resumed” counts the starts
at which a training resumed from a checkpoint; a kill before the first checkpoint leaves none.
"""

import argparse
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO

import psutil
from tests.support.trainings import make_project

from benchmarks import report
from benchmarks.robustness.stages import PYTHON, Case, stages, training_outputs
from stylefuse.paths import CHECKPOINTS

DURATIONS = {"kimg": 0.4, "tick_kimg": 0.02, "sample_kimg": 0.02}  # a checkpoint every five steps
MODELS = ("transfer", "restore", "portrait")


def kill_and_finish(case: Case, kills: int, rng: random.Random) -> dict[str, str]:
    """Kill a command `kills` times, let it finish, and compare its outputs."""
    seconds = case.finish()
    undisturbed = case.digest()
    case.clear()
    with tempfile.TemporaryFile("w+") as log:
        _kill(case, kills, seconds, rng, log)
        if case.start(log).wait():
            raise SystemExit(f"{case.name} failed")
        log.seek(0)
        resumed = log.read().count(" resumes at ") if "train" in case.name else "–"
    same = case.digest() == undisturbed
    print(f"{case.name}: {kills} kills, {'identical' if same else 'DIFFERENT'}", flush=True)
    return {
        "kills": str(kills),
        "resumed": str(resumed),
        "same bytes": "yes" if same else "**no**",
    }


def _kill(case: Case, kills: int, seconds: float, rng: random.Random, log: IO[str]) -> None:
    killed = 0
    while killed < kills:
        process = case.start(log)
        is_critical = case.is_critical if killed % 2 else None
        if not _ends_before(process, rng.uniform(0, seconds), is_critical):
            process.kill()
            process.wait()
            killed += 1
            _wait_for_orphans(case.folder)
        elif killed < kills:
            case.clear()  # it finished before it was killed: start again from nothing


def _ends_before(
    process: subprocess.Popen, seconds: float, is_critical: Callable[[], bool] | None
) -> bool:
    """Whether a process ends by itself before the time to kill it: after some seconds, at the first
    critical moment."""
    end = time.monotonic() + seconds
    while process.poll() is None:
        if time.monotonic() > end and (is_critical is None or is_critical()):
            return False
        time.sleep(0.0005 if is_critical else 0.01)
    return True


def _wait_for_orphans(folder: Path) -> None:
    """Wait until the processes that a killed command had started have ended by themselves."""
    end = time.monotonic() + 60
    while orphans := [p for p in psutil.process_iter(["cwd"]) if p.info["cwd"] == str(folder)]:
        if time.monotonic() > end:
            commands = [process.cmdline() for process in orphans]
            raise SystemExit(f"still running a minute after the kill: {commands}")
        time.sleep(0.1)


def trainings(root: Path) -> Iterator[Case]:
    for model in MODELS:
        folder = root / model
        make_project(folder, **DURATIONS)
        yield Case(
            f"train {model}",
            (PYTHON, "-m", "stylefuse.training", model),
            folder,
            training_outputs(model),
            partial(_writes_second_checkpoint, folder),
        )


def _writes_second_checkpoint(folder: Path) -> bool:
    """Whether a checkpoint is being written, and an older one exists."""
    suffixes = [path.suffix for path in (folder / CHECKPOINTS).rglob("*step-*")]
    return ".part" in suffixes and ".npz" in suffixes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--kills", type=int, default=20, help="number of kills of trainings, in all"
    )
    parser.add_argument("--others", type=int, default=3, help="number of kills of each other stage")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    rows = {}
    with tempfile.TemporaryDirectory() as temporary:
        for i, case in enumerate(trainings(Path(temporary))):
            kills = args.kills // len(MODELS) + (i < args.kills % len(MODELS))
            rows[case.name] = kill_and_finish(case, kills, rng)
        for case in stages(Path(temporary)) if args.others else ():
            rows[case.name] = kill_and_finish(case, args.others, rng)
    print(report.table(rows, "killed with SIGKILL"))


if __name__ == "__main__":
    main()
