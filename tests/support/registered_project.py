"""Projects with registered models: made once in a test run, copied for every worker."""

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import chdir, closing, redirect_stdout
from io import StringIO
from pathlib import Path

from stylefuse.fileio import file_lock
from tests.support.models import SHAPES, make_model, make_project, noise
from tests.support.program import run_command
from tests.support.stores import copy_empty_store

MODELS = ("transfer", "portrait")


def copy_registered_project(shared: Path, folder: Path) -> Path:
    """A copy of a project with two pictures and two models that `stylefuse register` registered.

    Args:
        shared: a folder that all workers of the test run share.
        folder: of the copy.
    """

    def make(template: Path) -> None:
        template.mkdir()
        copy_empty_store(shared, template)
        _make(template)

    return copy_template(shared, "registered-project", make, folder)


def copy_project_with_two_versions(shared: Path, folder: Path) -> Path:
    """The same with a second version of the transfer model, whose version 1 is champion."""

    def make(template: Path) -> None:
        _add_version(copy_registered_project(shared, template))

    return copy_template(shared, "two-versions", make, folder)


def copy_template(shared: Path, name: str, make: Callable[[Path], None], folder: Path) -> Path:
    template, complete = shared / name, shared / f"{name}.complete"
    with file_lock(shared / f"{name}.lock", timeout_s=-1):
        if not complete.exists():
            shutil.rmtree(template, ignore_errors=True)
            make(template)
            complete.touch()
    shutil.copytree(template, folder)
    _replace_in_database(folder / "mlflow/mlflow.db", str(template), str(folder))
    _forget_artifact_folders()
    return folder


def _forget_artifact_folders() -> None:
    """Clear MLflow's cache of the folders of runs and models: those of a copy have the same IDs,
    and would be written to where the first one with that ID was."""
    if utils := sys.modules.get("mlflow.tracking._tracking_service.utils"):
        utils._artifact_repos_cache.clear()


def _make(folder: Path) -> None:
    make_project(folder, *MODELS)
    for name in ("photo.jpg", "style.png"):
        noise(48, 36, seed=len(name)).save(folder / name)
    assert _register(folder, *MODELS) == ["1 (challenger, champion)"] * len(MODELS)


def _add_version(folder: Path) -> None:
    make_model(folder / "models/transfer", "transfer", **SHAPES["transfer"] | {"blocks": 2})
    assert _register(folder, "transfer") == ["2 (challenger)"]


def _register(folder: Path, *models: str) -> list[str]:
    """Run `stylefuse register` in this process, which has imported what it needs already.

    Returns:
        The version and the aliases of each model.
    """
    environment, output = dict(os.environ), StringIO()
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with chdir(folder), redirect_stdout(output):
        run_command("register", *models)
    os.environ.clear()  # MLflow sets its address
    os.environ.update(environment)
    return [line.split(" version ")[1] for line in output.getvalue().splitlines()]


def _replace_in_database(path: Path, old: str, new: str) -> None:
    """Replace a folder's path in all texts: MLflow stores absolute paths of artifacts."""
    with closing(sqlite3.connect(path)) as database, database:
        tables = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (table,) in tables:
            for _, column, kind, *_ in database.execute(f"PRAGMA table_info({table})").fetchall():
                if "CHAR" in kind.upper() or "TEXT" in kind.upper():
                    database.execute(
                        f"UPDATE {table} SET {column} = replace({column}, ?, ?)"
                        f" WHERE instr({column}, ?)",
                        (old, new, old),
                    )
