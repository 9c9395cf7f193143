"""`kill -9` at random moments of every stage, the same command again, and the bytes compared.

    python benchmarks/kills.py
    python benchmarks/kills.py --kills 6 --others 1      a trial

Trainings are killed `--kills` times in all: every other time at any moment of a process's life,
else as soon as a checkpoint is being written. The other stages and `dvc` itself are killed
`--others` times each. Takes about a quarter of an hour on two cores, and needs no data. Expected:
every row goes on, and ends with the bytes that it ends with undisturbed.
"""

import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import page
import psutil

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.project import commit_all, environment, make_clone  # noqa: E402
from tests.training.tiny import make_project  # noqa: E402

PYTHON = sys.executable
CLOCK = {"kimg": 0.4, "tick_kimg": 0.02, "sample_kimg": 0.02}  # a checkpoint every five steps
MODELS = ("transfer", "restore", "portrait")
MODEL = "restore"  # of the stages that are not trainings


@dataclass(frozen=True)
class Case:
    """A command, and what it makes.

    Attributes:
        name: of its row.
        command: what is killed.
        folder: where it runs.
        makes: paths of files and folders; their bytes are compared.
        moment: where there is one, a sign that the time to kill has come.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    makes: tuple[str, ...]
    moment: Callable[[], bool] | None = None

    def start(self) -> subprocess.Popen:
        quiet = subprocess.DEVNULL
        return subprocess.Popen(
            self.command, cwd=self.folder, env=environment(self.folder), stdout=quiet, stderr=quiet
        )

    def finish(self) -> float:
        """Run to the end; how many seconds that took."""
        begun, process = time.monotonic(), self.start()
        if process.wait():
            raise SystemExit(f"{self.name}: `{' '.join(self.command)}` failed after a kill")
        return time.monotonic() - begun

    def clear(self) -> None:
        for path in (self.folder / name for name in self.makes):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def digest(self) -> str:
        """Of everything that it made."""
        found = hashlib.sha256()
        for made in self.makes:
            path = self.folder / made
            for file in sorted(p for p in (path, *path.rglob("*")) if p.is_file()):
                found.update(f"{file.relative_to(self.folder)}\0".encode() + file.read_bytes())
        return found.hexdigest()


def survive(case: Case, kills: int, stream: random.Random) -> dict[str, str]:
    """Kill a command so often, let it finish, and compare."""
    seconds = case.finish()
    undisturbed = case.digest()
    case.clear()
    killed = 0
    while killed < kills:
        process = case.start()
        if not _ended(process, stream.uniform(0, seconds), case.moment if killed % 2 else None):
            process.kill()
            process.wait()
            killed += 1
            _wait_for_orphans(case.folder)
        elif killed < kills:
            case.clear()  # it was done before its time; once more from nothing
    case.finish()
    same = case.digest() == undisturbed
    print(f"{case.name}: {killed} kills, {'identical' if same else 'DIFFERENT'}", flush=True)
    return {"kills": str(killed), "went on": "yes", "same bytes": "yes" if same else "**no**"}


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
            lambda folder=folder: any((folder / ".ckpt").rglob("*.part")),
        )


def others(root: Path) -> Iterator[Case]:
    clone = make_clone(root / "clone")
    subprocess.run(["dvc", "repro"], cwd=clone, env=environment(clone), check=True)
    commit_all(clone)
    stage = (PYTHON, "-m")
    data = ("data/pictures", "data/networks", "data/manifest.parquet", "data/ATTRIBUTION.md")
    yield Case("ingest", (*stage, "stylefuse.data.ingest"), clone, data)
    yield Case("prepare", (*stage, "stylefuse.data.prepare"), clone, ("data/prepared",))
    train = ("dvc", "repro", "--force", "--single-item", f"train@{MODEL}")
    made = (f"models/{MODEL}", f"reports/train/{MODEL}")
    yield Case("dvc alone, while it trains", train, clone, made)
    judge = (*stage, "stylefuse.evaluation.evaluate", MODEL)
    reports = (f"reports/metrics/{MODEL}.json", f"reports/sheets/{MODEL}", f"reports/{MODEL}.html")
    yield Case("evaluate", judge, clone, reports)
    yield Registered("register", ("stylefuse", "register", MODEL), clone, ("mlflow",))


class Registered(Case):
    """One version with both aliases and a good signature; ids and times are never the same."""

    def digest(self) -> str:
        verify = ("stylefuse", "verify", f"stylefuse-{MODEL}/1")
        subprocess.run(verify, cwd=self.folder, env=environment(self.folder), check=True)
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{self.folder}/mlflow/mlflow.db")
        versions = client.search_model_versions(f"name = 'stylefuse-{MODEL}'")
        aliases = client.get_registered_model(f"stylefuse-{MODEL}").aliases
        return f"{len(versions)} {sorted(aliases.items())}"


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
        for case in others(Path(temporary)) if args.others else ():
            rows[case.name] = survive(case, args.others, stream)
    print(page.table(rows, "killed with -9"))


if __name__ == "__main__":
    main()
