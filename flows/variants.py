"""Variants of a model's settings, as DVC experiments: each is a commit that can be had again.

An experiment runs in a copy of the project, so that several can be trained at once; its commit lies
under `refs/exps`, and `dvc exp apply NAME` brings it into the working tree.
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
    """A model with some of its settings changed.

    Attributes:
        model: its name in params.yaml.
        profile: whose settings are changed.
        changes: setting → its other value.
    """

    model: str
    profile: str
    changes: Mapping[str, Value] = field(hash=False)

    @property
    def name(self) -> str:
        """Of the experiment: the same changes have the same name."""
        told = json.dumps(dict(self.changes), sort_keys=True)
        return f"{self.model}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"

    def __str__(self) -> str:
        return ", ".join(f"{key}={value}" for key, value in self.changes.items()) or "as it is"

    def run(self, stage: str, name: str, store: str) -> None:
        """Make an experiment that brings a stage up to date with the changes.

        What an earlier experiment has trained comes out of DVC's cache.

        Args:
            stage: of the graph.
            name: of the experiment; an earlier one of that name is dropped.
            store: MLflow's address, since the copy is no place to keep anything.

        Raises:
            CommandFailed: it failed; see `run_command`.
        """
        if _commits(name):
            run_command("dvc", "exp", "remove", name)
        place = f"models.{self.model}.{self.profile}"
        sets = [f"--set-param={place}.{key}={value}" for key, value in self.changes.items()]
        command = ("dvc", "exp", "run", "--temp", "--name", name, *sets, stage)
        run_command(*command, settings={"MLFLOW_TRACKING_URI": store})

    @contextlib.contextmanager
    def fetched(self, path: str) -> Iterator[Path]:
        """An output of the experiment, in a folder that is there until the block ends."""
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / "output"
            run_command("dvc", "get", ".", path, "--rev", commit(self.name), "-o", str(folder))
            yield folder


def variants_of(params: Params, model: str, grid: Mapping[str, Sequence[Value]]) -> list[Variant]:
    """Every combination of the values of a grid.

    Raises:
        UserError: there is no such model; or a combination is none that it can be trained with.
    """
    settings = params.model_settings(model)
    if not grid or not all(grid.values()):
        raise UserError("a sweep needs settings and values, like learning_rate=0.001,0.002")
    found = []
    for values in itertools.product(*grid.values()):
        changes = dict(zip(grid, values, strict=True))
        try:
            type(settings).model_validate(settings.model_dump() | changes)
        except ValidationError as error:
            said = error.errors()[0]
            where = ".".join(map(str, said["loc"])) or "the settings"
            raise UserError(f"{model} with {changes}: {where}: {said['msg']}") from None
        found.append(Variant(model, params.profile, changes))
    return found


def commit(name: str) -> str:
    """The commit of an experiment.

    Raises:
        CommandFailed: there is no such experiment.
    """
    found = _commits(name)
    if not found:
        raise CommandFailed(f"there is no experiment {name}")
    return found[0]


@contextlib.contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """The project as it was in a commit, with its outputs, in a folder until the block ends."""
    with worktree(revision) as folder:
        run_command("dvc", "checkout", "--quiet", folder=folder)
        yield folder


def _commits(name: str) -> list[str]:
    return git("for-each-ref", "--format=%(objectname)", f"refs/exps/*/*/{name}").split()
