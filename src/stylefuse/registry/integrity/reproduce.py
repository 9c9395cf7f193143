"""Trains a registered version again from its commit and data, and compares the bytes."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from stylefuse.config import Params
from stylefuse.errors import UserError, printable
from stylefuse.inference.model_folder import weights_hash
from stylefuse.inference.predictor import load_predictor
from stylefuse.models.keras_import import import_keras
from stylefuse.paths import DVC_LOCK, MODELS, NETWORKS, PREPARED
from stylefuse.registry.fetch import mlflow_model, model_files
from stylefuse.registry.integrity.provenance import dvc_tags, environment_tags, requirements_tag
from stylefuse.registry.integrity.verify import verify
from stylefuse.registry.integrity.worktree import PROGRAMS, checkout_outputs, git, worktree
from stylefuse.registry.package import INPUT_EXAMPLE, PIPELINE
from stylefuse.registry.store import SHIPPED, SOURCE_TAG, WEIGHTS_TAG
from stylefuse.registry.versions import find_version
from stylefuse.training.environment import environment

KINDS = {  # prefix of a tag → what a difference in it is
    "dvc.code": "code",
    "dvc.params": "parameters",
    "dvc.": "data",
    "hardware": "hardware",
    "": "environment",
}
TRAINING_INPUTS = (str(PREPARED), str(NETWORKS))
PREPARE_STAGE, TRAIN_STAGE = "prepare", "train@{}"
MAX_VALUE_LENGTH = 60  # characters of a tag in a message


@dataclass(frozen=True)
class Reproduction:
    """The result of training a version again.

    Attributes:
        version: `NAME version N`.
        identical: whether the weights are the same bytes.
        seconds: duration of the training.
        differences: in code, parameters, data, hardware and environment; for people.
        distance: mean absolute difference between the two models' pictures of the version's input
            example, in levels of 0–255; None if the weights are identical.
    """

    version: str
    identical: bool
    seconds: float
    differences: list[str] = field(default_factory=list)
    distance: float | None = None

    def __str__(self) -> str:
        if self.identical:
            return f"{self.version}: identical, trained again in {self.seconds:.0f} s"
        causes = "; ".join(self.differences) or "no recorded difference explains it"
        return (
            f"{self.version}: not identical: {causes}. The pictures differ by {self.distance:.2f} "
            "of 255 levels on average"
        )


def reproduce(params: Params, name: str) -> Reproduction:
    """Train a version again, in a clean copy of the commit that it was trained from.

    The data come from DVC's cache or remote, by the hashes in the version, or else from their
    sources.

    Args:
        params: the models and the registry.
        name: of the version, see `find_version`.

    Raises:
        UserError: there is no such version, it was changed, it was not trained from a commit of
            this clone, or the training failed.
    """
    version, model = find_version(params, name)
    # whoever may write to the store could name another commit, whose code would be executed
    verified = verify(params, f"{model}/{version.version}")
    title, tags = verified.version, verified.tags
    commit = _trained_commit(tags, title)
    uri = f"models:/{version.name}/{version.version}"
    registered = model_files(uri, params.registry)
    import_keras()
    machine = requirements_tag() | environment_tags(environment())
    for difference in _differences(tags, machine):
        sys.stderr.write(printable(f"note: {difference}\n"))
    with worktree(commit) as folder:
        if (lock := registered / PIPELINE).exists():
            shutil.copyfile(lock, folder / DVC_LOCK)
        if not checkout_outputs(folder, TRAINING_INPUTS):
            _run(folder, "dvc", "repro", PREPARE_STAGE)
        start = time.monotonic()
        _run(folder, "dvc", "repro", "--force", "--single-item", TRAIN_STAGE.format(model))
        seconds = time.monotonic() - start
        retrained = folder / MODELS / model
        if weights_hash(retrained) == tags[WEIGHTS_TAG]:
            return Reproduction(title, True, seconds)
        now = dvc_tags(folder, model) | machine
        now.pop(f"dvc.{MODELS / model}", None)  # the result, not a cause
        request = json.loads((mlflow_model(uri, params.registry) / INPUT_EXAMPLE).read_text())
        max_side = params.serve.max_side
        first, second = (_paint(place, request, max_side) for place in (registered, retrained))
        distance = float(np.abs(first - second).mean())
        return Reproduction(title, False, seconds, _differences(tags, now), distance)


def _trained_commit(tags: Mapping[str, str], title: str) -> str:
    """The commit that a version was trained from, if it can be trained from it again."""
    if tags.get(SOURCE_TAG) == SHIPPED:
        raise UserError(
            f"{title} has the weights that came with the project; it was not trained here, so it "
            "cannot be reproduced",
            code="version-not-trained-here",
        )
    commit = tags.get("git.commit")
    if not commit:
        raise UserError(
            f"{title} was trained outside a git repository, so its code is unknown; train and "
            "register it from a commit",
            code="version-without-commit",
        )
    if tags.get("git.dirty") == "true":
        raise UserError(
            f"{title} was trained with uncommitted changes, so it cannot be reproduced; commit, "
            "train and register again",
            code="version-with-uncommitted-changes",
        )
    try:
        git("cat-file", "-e", f"{commit}^{{commit}}")
    except UserError:
        raise UserError(
            f"{title} was trained from commit {commit[:12]}, which this clone does not have; "
            "fetch it",
            code="commit-missing",
        ) from None
    return commit


def _run(folder: Path, *command: str) -> None:
    """Run a program of this environment in a copy of the project, with the copy's code."""
    settings = {
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONPATH": f"{folder / 'src'}{os.pathsep}{folder}",
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow/mlflow.db",  # not a run of this store
    }
    process = subprocess.run(
        [str(PROGRAMS / command[0]), *command[1:]],
        cwd=folder,
        env=os.environ | settings,
        stdout=sys.stderr,
    )
    if process.returncode:
        raise UserError(
            f"`{' '.join(command)}` failed in a copy of the project; its output is above",
            code="reproduction-failed",
        )


def _differences(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """The tags that changed, each with its kind: code, parameters, data, hardware, environment."""
    return [
        f"{_kind(tag)}: {tag} was {before.get(tag, 'not recorded')[:MAX_VALUE_LENGTH]}, is "
        f"{value[:MAX_VALUE_LENGTH]}"
        for tag, value in now.items()
        if before.get(tag) != value
    ]


def _kind(tag: str) -> str:
    return next(kind for prefix, kind in KINDS.items() if tag.startswith(prefix))


def _paint(folder: Path, request: dict[str, Any], max_side: int) -> np.ndarray:
    """A model's picture for a request, float64 `[height, width, 3]` in 0–255."""
    from PIL import Image

    from stylefuse.images.base64 import decode

    predictor = load_predictor(folder, max_side)
    table = request["dataframe_split"]
    row = dict(zip(table["columns"], table["data"][0], strict=True))
    inputs = {
        name: decode(row[name]) if kind is Image.Image else int(row[name])
        for name, kind in predictor.inputs.items()
    }
    return np.asarray(predictor.paint(inputs, predictor.options()).convert("RGB"), np.float64)
