"""The commands of the pipeline as cases whose output files can be compared byte by byte."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.support.clone import commit_all, environment, keep_one_model, make_clone, run

from stylefuse.fileio import sha256_of_tree

PYTHON = sys.executable
MODEL = "restore"  # the stages of one model use it
DATA = (
    "data/pictures", "data/networks", "data/manifest.parquet", "data/ATTRIBUTION.md",
    "data/left_out.csv",
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A command and its outputs.

    Attributes:
        name: of its row in the tables.
        command: the program and its arguments.
        folder: where the command runs.
        outputs: paths of files and folders whose bytes are compared.
        is_critical: whether the command is at a moment at which a kill is most dangerous, for
            commands that have such moments.
    """

    name: str
    command: tuple[str, ...]
    folder: Path
    outputs: tuple[str, ...]
    is_critical: Callable[[], bool] | None = None

    def start(
        self, output: int | IO[str] = subprocess.DEVNULL, **variables: str
    ) -> subprocess.Popen[str]:
        """Start the command, with its output in `output` and additional environment variables."""
        return subprocess.Popen(
            self.command,
            cwd=self.folder,
            env=environment(self.folder) | variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self) -> float:
        """Run the command to its end; returns the seconds that it took."""
        start, process = time.monotonic(), self.start()
        if process.wait():
            raise SystemExit(f"{self.name}: `{' '.join(self.command)}` failed")
        return time.monotonic() - start

    def clear(self) -> None:
        """Delete the outputs."""
        for path in (self.folder / name for name in self.outputs):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def digest(self) -> str:
        """A hash of all outputs."""
        paths = [self.folder / name for name in self.outputs]
        files = [file for path in paths for file in (path, *path.rglob("*")) if file.is_file()]
        return sha256_of_tree(self.folder, files)


DESCRIBE_STORE = """
from mlflow import MlflowClient
client, name = MlflowClient("sqlite:///mlflow/mlflow.db"), "stylefuse-{model}"
aliases = client.get_registered_model(name).aliases
print(len(client.search_model_versions("name = '" + name + "'")), sorted(aliases.items()))
"""


class Registered(Case):
    """The registration of a version. Identifiers and times differ between runs, so versions,
    aliases and the signature are compared instead of bytes."""

    def digest(self) -> str:
        run(self.folder, "stylefuse", "verify", f"stylefuse-{MODEL}/1")
        return run(self.folder, PYTHON, "-c", DESCRIBE_STORE.format(model=MODEL)).stdout


def finished_clone(folder: Path) -> Path:
    """A clone with small pictures and one model, in which all stages have run."""
    clone = make_clone(folder)
    keep_one_model(clone, MODEL)
    run(clone, "dvc", "repro", "--quiet")
    commit_all(clone)
    return clone


def training_outputs(model: str) -> tuple[str, ...]:
    """The outputs of the train stage."""
    return f"models/{model}", f"reports/train/{model}", f"reports/environments/{model}.json"


def stages(root: Path) -> list[Case]:
    """The stages of a finished clone, one of them run by DVC, and the registration."""
    clone = finished_clone(root / "clone")
    python = (PYTHON, "-m")
    train = ("dvc", "repro", "--force", "--single-item", f"train@{MODEL}")
    evaluate = (*python, "stylefuse.evaluation.evaluate", MODEL)
    reports = (
        f"reports/metrics/{MODEL}.json",
        f"reports/sample_grids/{MODEL}",
        f"reports/{MODEL}.html",
    )
    return [
        Case("ingest", (*python, "stylefuse.data.ingest"), clone, DATA),
        Case("prepare", (*python, "stylefuse.data.prepare"), clone, ("data/prepared",)),
        Case("train, by dvc", train, clone, training_outputs(MODEL)),
        Case("evaluate", evaluate, clone, reports),
        Registered("register", ("stylefuse", "register", MODEL), clone, ("mlflow",)),
    ]
