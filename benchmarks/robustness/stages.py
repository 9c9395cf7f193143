"""Commands whose products are compared, before and after something bad has happened to them."""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import yaml

ROOT = Path(__file__).parents[2]

from tests.support.clone import commit_all, environment, make_clone  # noqa: E402

PYTHON = sys.executable
MODEL = "restore"  # of the stages of one model
DATA = ("data/pictures", "data/networks", "data/manifest.parquet", "data/ATTRIBUTION.md")
os.environ["PATH"] = f"{Path(PYTHON).parent}:{os.environ['PATH']}"


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

    def start(self, output: int | IO[str] = subprocess.DEVNULL, **settings: str):
        """Begin it; all that it says goes to `output`."""
        return subprocess.Popen(
            self.command,
            cwd=self.folder,
            env=environment(self.folder) | settings,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def finish(self) -> float:
        """Run to the end; how many seconds that took."""
        begun, process = time.monotonic(), self.start()
        if process.wait():
            raise SystemExit(f"{self.name}: `{' '.join(self.command)}` failed")
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


LOOK = """
from mlflow import MlflowClient
client, name = MlflowClient("sqlite:///mlflow/mlflow.db"), "stylefuse-{model}"
aliases = client.get_registered_model(name).aliases
print(len(client.search_model_versions("name = '" + name + "'")), sorted(aliases.items()))
"""


class Registered(Case):
    """One version with both aliases and a good signature; ids and times are never the same."""

    def digest(self) -> str:
        where = {"cwd": self.folder, "env": environment(self.folder), "text": True}
        verify = ("stylefuse", "verify", f"stylefuse-{MODEL}/1")
        subprocess.run(verify, check=True, stdout=subprocess.DEVNULL, **where)
        return subprocess.check_output([PYTHON, "-c", LOOK.format(model=MODEL)], **where)


def finished_clone(folder: Path) -> Path:
    """A clone with small pictures and one model, all stages done and committed."""
    clone = make_clone(folder)
    params = yaml.safe_load((clone / "params.yaml").read_text())
    params["models"] = {MODEL: params["models"][MODEL]}
    (clone / "params.yaml").write_text(yaml.safe_dump(params))
    done = {"cwd": clone, "env": environment(clone), "check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["dvc", "repro", "--quiet"], **done)
    commit_all(clone)
    return clone


def stages(root: Path) -> list[Case]:
    """Every stage of a finished clone, `dvc` around a training, and what comes after."""
    clone = finished_clone(root / "clone")
    python = (PYTHON, "-m")
    train = ("dvc", "repro", "--force", "--single-item", f"train@{MODEL}")
    judge = (*python, "stylefuse.evaluation.evaluate", MODEL)
    reports = (
        f"reports/metrics/{MODEL}.json",
        f"reports/sample_grids/{MODEL}",
        f"reports/{MODEL}.html",
    )
    trained = (f"models/{MODEL}", f"reports/train/{MODEL}")
    return [
        Case("ingest", (*python, "stylefuse.data.ingest"), clone, DATA),
        Case("prepare", (*python, "stylefuse.data.prepare"), clone, ("data/prepared",)),
        Case("train, by dvc", train, clone, trained),
        Case("evaluate", judge, clone, reports),
        Registered("register", ("stylefuse", "register", MODEL), clone, ("mlflow",)),
    ]
