"""Variants of a model's settings, each trained as a DVC experiment.

An experiment runs in a copy of the project, so that several can be trained at once. It is a commit
under `refs/exps`; `dvc exp apply NAME` brings it into the working tree.
"""

import contextlib
import hashlib
import itertools
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from flows.command import CommandFailed, run_command
from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.registry.integrity.worktree import git, worktree

Value = str | int | float | bool


@dataclass(frozen=True)
class Variant:
    """A model with changed settings.

    Attributes:
        model: its name in params.yaml.
        profile: whose settings are changed.
        changes: setting → new value.
    """

    model: str
    profile: str
    changes: Mapping[str, Value] = field(hash=False)

    @property
    def name(self) -> str:
        """Name of the experiment; it depends on the changes only, not on their order."""
        changes = json.dumps(dict(self.changes), sort_keys=True)
        return f"{self.model}-{hashlib.sha256(changes.encode()).hexdigest()[:8]}"

    def __str__(self) -> str:
        return ", ".join(f"{key}={value}" for key, value in self.changes.items()) or "unchanged"

    def run(self, stage: str, experiment: str, store: str) -> None:
        """Run an experiment that brings a stage up to date with the changed settings.

        Outputs of earlier experiments with the same settings come from DVC's run cache.

        Args:
            stage: of the graph.
            experiment: its name; an earlier experiment of this name is removed.
            store: address of the MLflow store, which must be outside of the copy.

        Raises:
            CommandFailed: the experiment failed; see `run_command`.
        """
        if _commits(experiment):
            run_command("dvc", "exp", "remove", experiment)
        section = f"models.{self.model}.{self.profile}"
        changes = [f"--set-param={section}.{key}={value}" for key, value in self.changes.items()]
        command = ("dvc", "exp", "run", "--temp", "--name", experiment, *changes, stage)
        run_command(*command, environment={"MLFLOW_TRACKING_URI": store})

    @contextlib.contextmanager
    def output(self, path: str) -> Iterator[Path]:
        """An output of the experiment, in a temporary folder until the end of the block."""
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "output"
            revision = find_commit(self.name)
            run_command("dvc", "get", ".", path, "--rev", revision, "-o", str(folder))
            yield folder


def make_variants(params: Params, model: str, grid: Mapping[str, Sequence[Value]]) -> list[Variant]:
    """A variant for every combination of the values of a grid.

    Args:
        params: with the model's current settings.
        model: its name in params.yaml.
        grid: setting → values.

    Raises:
        UserError: there is no such model, the grid is empty, or a combination is not valid.
    """
    settings = params.model_settings(model)
    if not grid or not all(grid.values()):
        message = "a sweep needs settings and values, like learning_rate=0.001,0.002"
        raise UserError(message, code="grid-empty")
    variants = []
    for values in itertools.product(*grid.values()):
        changes = dict(zip(grid, values, strict=True))
        try:
            type(settings).model_validate(settings.model_dump() | changes)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the settings"
            message = f"{model} with {changes}: {where}: {first['msg']}"
            raise UserError(message, code="params-invalid") from None
        variants.append(Variant(model, params.profile, changes))
    return variants


def find_commit(experiment: str) -> str:
    """The commit of an experiment.

    Raises:
        CommandFailed: there is no such experiment.
    """
    commits = _commits(experiment)
    if not commits:
        raise CommandFailed(f"there is no experiment {experiment}")
    return commits[0]


@contextlib.contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A checkout of a commit with its outputs, in a temporary folder until the end of the block."""
    with worktree(revision) as folder:
        run_command("dvc", "checkout", "--quiet", folder=folder)
        yield folder


def _commits(experiment: str) -> list[str]:
    return git("for-each-ref", "--format=%(objectname)", f"refs/exps/*/*/{experiment}").split()
