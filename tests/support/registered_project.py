"""A project with registered models: made once in a test run, copied for every worker."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from stylefuse.fileio import file_lock
from tests.support.models import make_project, noise
from tests.support.program import stylefuse

MODELS = ("transfer", "portrait")


def copy_registered_project(shared: Path, folder: Path) -> Path:
    """A copy of a project with two pictures and two models that `stylefuse register` registered.

    Args:
        shared: a folder that all workers of the test run share.
        folder: of the copy.
    """
    template, complete = shared / "registered-project", shared / "registered-project.complete"
    with file_lock(shared / "registered-project.lock", timeout_s=-1):
        if not complete.exists():
            shutil.rmtree(template, ignore_errors=True)
            template.mkdir()
            _make(template)
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
