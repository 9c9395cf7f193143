"""Projects with registered models: made once in a test run, copied for every worker."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import chdir, closing
from pathlib import Path

from stylefuse.fileio import file_lock
from tests.support.models import SHAPES, make_model, make_project, noise
from tests.support.program import stylefuse
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
    return folder


def _make(folder: Path) -> None:
    make_project(folder, *MODELS)
    for name in ("photo.jpg", "style.png"):
        noise(48, 36, seed=len(name)).save(folder / name)
    process = stylefuse(folder, "register", *MODELS)
    assert process.returncode == 0, process.stderr
    assert [line.split(" version ")[1] for line in process.stdout.splitlines()] == [
        "1 (challenger, champion)"
    ] * len(MODELS)


def _add_version(folder: Path) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.register import register

    make_model(folder / "models/transfer", "transfer", **SHAPES["transfer"] | {"blocks": 2})
    environment = dict(os.environ)
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    with chdir(folder):
        register(load_params(), "transfer")
    os.environ.clear()  # MLflow sets its address
    os.environ.update(environment)


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
