"""Backs up the embedded registry to one file, and loads it into another folder.

The signing key and the passwords are not in the file: keep the key apart.
"""

import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from rich.progress import track

from stylefuse.config import Registry
from stylefuse.errors import UserError
from stylefuse.fileio import write_atomically
from stylefuse.registry.relocation import relocate
from stylefuse.registry.store import embedded_store, require_store

STORE, ARTIFACTS = "mlflow.db", "artifacts"  # names in the file
MLFLOW_TRIGGERS = {("trigger", "secrets")}


def back_up(registry: Registry, file: Path) -> None:
    """Write runs, versions and artifacts to a tar file; the registry may be in use meanwhile.

    Args:
        registry: the section of `params.yaml`.
        file: is created or replaced.

    Raises:
        UserError: there is no registry, it is not an embedded one, or the file cannot be written.
    """
    store, root = _places(registry)
    require_store(registry)
    artifacts = sorted(root.rglob("*")) if root.is_dir() else []

    def write(draft: Path) -> None:
        with tempfile.TemporaryDirectory() as folder, tarfile.open(draft, "w") as archive:
            snapshot = Path(folder) / STORE
            with (
                closing(sqlite3.connect(store)) as source,
                closing(sqlite3.connect(snapshot)) as target,
            ):
                source.backup(target)
            archive.add(snapshot, STORE)
            for path in track(artifacts, "backing up"):
                if path.is_file() and not path.is_symlink():
                    archive.add(path, f"{ARTIFACTS}/{path.relative_to(root)}")

    write_atomically(file, write, durable=True)


def load_backup(registry: Registry, file: Path) -> None:
    """Load a backup into a project that has no registry yet.

    Args:
        registry: the section of `params.yaml`.
        file: as `back_up` writes it.

    Raises:
        UserError: there is a registry already, or the file is not a backup.
    """
    store, root = _places(registry)
    if store.exists() or root.exists():
        raise UserError(
            f"there is a registry already; move {store} and {root} away first", code="store-exists"
        )
    if not file.is_file():  # a pipe may never end
        raise UserError(f"{file} is not a file", code="backup-damaged")
    store.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".backup-", dir=store.parent) as folder:
        draft = Path(folder)
        try:
            with tarfile.open(file, "r:") as archive:
                archive.extractall(draft, members=_members(archive), filter="data")
        except (OSError, tarfile.TarError, ValueError) as error:
            raise UserError(
                f"{file} is not a backup of a registry, or damaged ({error})", code="backup-damaged"
            ) from None
        if not _is_store(draft / STORE):
            raise UserError(f"{file} is not a backup of a registry", code="backup-damaged")
        root.parent.mkdir(parents=True, exist_ok=True)
        (draft / ARTIFACTS).mkdir(exist_ok=True)
        (draft / ARTIFACTS).replace(root)
        (draft / STORE).replace(store)  # last: without it there is no registry
    relocate(store, registry)


def _is_store(file: Path) -> bool:
    """Whether a file is a database as MLflow makes it. A view or a trigger of somebody else's may
    take for ever; MLflow has no views, and a trigger of one table alone."""
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as database:
            parts = {*database.execute("SELECT type, tbl_name FROM sqlite_master")}
    except sqlite3.DatabaseError:
        return False
    active = {part for part in parts if part[0] in ("view", "trigger")}
    return ("table", "experiments") in parts and active <= MLFLOW_TRIGGERS


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """The files of a backup, without anything else that may be in the archive."""
    for member in track(list(archive), "loading"):
        if member.isfile() and (member.name == STORE or member.name.startswith(f"{ARTIFACTS}/")):
            yield member


def _places(registry: Registry) -> tuple[Path, Path]:
    """The file of the embedded store and the folder of its artifacts, as absolute paths."""
    store, root = embedded_store(registry), registry.artifact_root
    if store is None or not root or "://" in root:
        raise UserError(
            "only an embedded registry can be backed up like this; for one on a server, back up "
            "its database and its bucket",
            code="store-not-embedded",
        )
    return store, Path(root).absolute()
