"""Lets a project's folder be moved or copied together with its embedded store.

MLflow stores absolute addresses of artifacts. In a folder that was moved they lead nowhere; in a
copy they lead to the original, which the copy would then read and write.
"""

import logging
import sqlite3
from contextlib import closing
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from stylefuse.config import Registry

LOCAL = "file://"
ADDRESSES = {  # table → columns with addresses of artifacts
    "experiments": ("artifact_location",),
    "runs": ("artifact_uri",),
    "logged_models": ("artifact_location",),
    "model_versions": ("source", "storage_location"),
}

logger = logging.getLogger(__name__)


def relocate(store: Path, registry: Registry) -> None:
    """Make the addresses in a store lead to the artifacts beside it, if it was moved or copied.

    Nothing changes unless the artifacts are where `registry.artifact_root` says, in the folder
    that the store is in.

    Args:
        store: the SQLite file, an absolute path.
        registry: the section of `params.yaml`.
    """
    project = _project_folder(store, registry)
    if project is None or not registry.artifact_root:
        return
    root = project / registry.artifact_root
    if "://" in registry.artifact_root or not root.is_relative_to(project) or not root.is_dir():
        return
    suffix = "/" + quote(PurePosixPath(registry.artifact_root).as_posix())
    with closing(sqlite3.connect(store)) as database, database:
        old = _artifact_location(database, registry.experiment)
        new = root.as_uri()
        if old is None or old == new or not (old.startswith(LOCAL) and old.endswith(suffix)):
            return
        for table, columns in ADDRESSES.items():
            for column in columns:
                database.execute(  # the names are those above
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?)"  # noqa: S608
                    f" WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                    (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
                )
    logger.warning("the registry was moved or copied from %s; its addresses were adapted", old)


def _project_folder(store: Path, registry: Registry) -> Path | None:
    """The folder from which `registry.tracking_uri` leads to the store, if there is one."""
    relative = PurePosixPath(registry.tracking_uri.removeprefix("sqlite:///"))
    if relative.is_absolute() or store.parts[-len(relative.parts) :] != relative.parts:
        return None
    return store.parents[len(relative.parts) - 1]


def _artifact_location(database: sqlite3.Connection, experiment: str) -> str | None:
    """Where an experiment keeps its artifacts; None if the store does not have it yet."""
    try:
        row = database.execute(
            "SELECT artifact_location FROM experiments WHERE name = ?", (experiment,)
        ).fetchone()
    except sqlite3.OperationalError:  # there are no tables
        return None
    return row[0] if row else None
