"""A registered version, made again from what the registry knows of it, and compared by bytes."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.gate.smoke_test import EXAMPLE
from stylefuse.models.saving import load_predictor, weights_hash
from stylefuse.registry.fetch import mlflow_model, model_files
from stylefuse.registry.integrity.provenance import LOCK, environment, made_from
from stylefuse.registry.integrity.worktree import BIN, bring_outputs, git, worktree
from stylefuse.registry.package import PIPELINE
from stylefuse.registry.store import WEIGHTS_TAG
from stylefuse.registry.versions import find_version

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

KINDS = {  # by how a tag begins
    "dvc.code": "code",
    "dvc.params": "parameters",
    "dvc.": "data",
    "hardware": "hardware",
    "": "environment",
}
DATA = ("data/prepared", "data/networks")  # that trainings read
PREPARE, TRAINING = "prepare", "train@{}"  # stages: the last of the data, and a model's training


@dataclass(frozen=True)
class Reproduction:
    """What came of making a version again.

    Attributes:
        version: `NAME version N`.
        identical: whether its weights are the same bytes.
        seconds: that the training took.
        differences: what was not as it was, in words.
        distance: mean difference of what both paint of the version's example, in levels of 255.
    """

    version: str
    identical: bool
    seconds: float
    differences: list[str] = field(default_factory=list)
    distance: float | None = None

    def __str__(self) -> str:
        if self.identical:
            return f"{self.version}: identical, trained again in {self.seconds:.0f} s"
        causes = "; ".join(self.differences) or "for no reason that the registry knows of"
        return (
            f"{self.version}: not identical: {causes}. Its pictures differ by {self.distance:.2f} "
            "of 255 levels in the mean"
        )


def reproduce(params: Params, name: str) -> Reproduction:
    """Train a version again, in a clean copy of the commit that it was made from.

    Its data come out of DVC's cache or remote, by the hashes that the version carries, and where
    neither has them, from the sources again.

    Args:
        params: tell the registry.
        name: `stylefuse-NAME@ALIAS`, `stylefuse-NAME/VERSION`, also with `models:/` before it.

    Raises:
        UserError: there is no such version, or it was not made from a commit that is here.
    """
    version, model = find_version(params, name)
    title = f"{version.name} version {version.version}"
    commit = _commit(version, title)
    uri = f"models:/{version.name}/{version.version}"
    registered = model_files(uri, params.registry)
    for told in _differences(version.tags, environment()):
        sys.stderr.write(f"note: {told}\n")
    with worktree(commit) as folder:
        if (lock := registered / PIPELINE).exists():
            shutil.copyfile(lock, folder / LOCK)
        if not bring_outputs(folder, DATA):
            _run(folder, "dvc", "repro", PREPARE)
        start = time.monotonic()
        _run(folder, "dvc", "repro", "--force", "--single-item", TRAINING.format(model))
        seconds = time.monotonic() - start
        made = folder / "models" / model
        if weights_hash(made) == version.tags[WEIGHTS_TAG]:
            return Reproduction(title, True, seconds)
        now = made_from(folder, model) | environment()
        now = {key: value for key, value in now.items() if key != f"dvc.models/{model}"}
        request = json.loads((mlflow_model(uri, params.registry) / EXAMPLE).read_text())
        side = params.serve.max_side
        painted = [_paint(place, request, side) for place in (registered, made)]
        distance = float(np.abs(painted[0] - painted[1]).mean())
        return Reproduction(title, False, seconds, _differences(version.tags, now), distance)


def _commit(version: "ModelVersion", title: str) -> str:
    commit = version.tags.get("git.commit")
    if not commit:
        raise UserError(f"{title} was made outside of a git repository: nobody knows from what")
    if version.tags.get("git.dirty") == "true":
        raise UserError(
            f"{title} was made with changes that were not committed, so that it cannot be made "
            "again; commit, train and register"
        )
    try:
        git("cat-file", "-e", f"{commit}^{{commit}}")
    except UserError:
        raise UserError(
            f"{title} was made from commit {commit[:12]}, which this clone does not have; fetch it"
        ) from None
    return commit


def _run(folder: Path, *command: str) -> None:
    """Run a program of this environment in a copy, with the copy's code; it shows its progress."""
    settings = {
        "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow/mlflow.db",  # this is no new run
    }
    done = subprocess.run(
        [str(BIN / command[0]), *command[1:]],
        cwd=folder,
        env=os.environ | settings,
        stdout=sys.stderr,
    )
    if done.returncode:
        raise UserError(f"`{' '.join(command)}` failed in the copy; its own lines above say why")


def _differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """What is not as it was, each with its kind: code, parameters, data, hardware, environment."""
    return [
        f"{_kind(key)}: {key} was {before.get(key, 'not told')[:60]}, is {value[:60]}"
        for key, value in now.items()
        if before.get(key) != value
    ]


def _kind(tag: str) -> str:
    return next(kind for start, kind in KINDS.items() if tag.startswith(start))


def _paint(folder: Path, request: dict[str, Any], side: int) -> np.ndarray:
    """What a model paints of a request: levels, as floats."""
    from PIL import Image

    from stylefuse.images.base64 import decode

    task, predictor = load_predictor(folder, side)
    rows = request["dataframe_split"]
    sent = dict(zip(rows["columns"], rows["data"][0], strict=True))
    given = {
        name: decode(sent[name]) if kind is Image.Image else int(sent[name])
        for name, kind in task.inputs.items()
    }
    return np.asarray(predictor.paint(given, task.options()).convert("RGB"), np.float64)
