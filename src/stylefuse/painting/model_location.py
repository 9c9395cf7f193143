"""Where the model is that paints by default: the registry's champion, or a folder.

Asking the registry takes seconds, because MLflow is imported. What it answered is remembered for as
long as neither `params.yaml` nor the embedded store nor a file of the champion has changed, so that
painting rarely asks. A file of a verified version that somebody alters is then found as if for the
first time, and verified again.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from stylefuse.errors import UserError
from stylefuse.fileio import write_text_atomically
from stylefuse.paths import BASE_MODELS, CHAMPIONS, MODELS, PARAMS, SHIPPED_MODELS

# read before MLflow is imported, which sets the variable for the processes it starts
TRACKING_URI = os.environ.get("MLFLOW_TRACKING_URI")


class ModelLocation(NamedTuple):
    """A folder that holds a trained model, and where it comes from.

    Attributes:
        folder: holds the model's manifest.
        origin: the model's `version` in the registry, as `stylefuse verify` takes it, or else its
            `folder`.
    """

    folder: Path
    origin: Mapping[str, str]


def folder_location(folder: Path | str) -> ModelLocation:
    """The location of a model in a folder.

    Raises:
        UserError: there is no such folder.
    """
    if not Path(folder).is_dir():
        raise UserError(
            f"there is no folder {folder}; name one that holds a model, or a version like "
            "models:/stylefuse-transfer@champion (`stylefuse models` lists them)",
            code="model-missing",
        )
    return ModelLocation(Path(folder), {"folder": str(folder)})


def unregistered_location(name: str) -> ModelLocation:
    """The model of the last training in this folder, or else the one that comes with the project.

    Raises:
        UserError: there is neither.
    """
    for folder in (MODELS / name, BASE_MODELS / name, SHIPPED_MODELS / name):
        if folder.is_dir():
            return folder_location(folder)
    raise UserError(
        f"there is no {name} model yet; `make repro` in the project's folder trains one",
        code="model-missing",
    )


def remembered_champion(name: str) -> ModelLocation | None:
    """The champion as it was remembered; None if there is none, or if it may have changed."""
    try:
        remembered = json.loads(CHAMPIONS.read_text())
        if remembered["state"] != _state(remembered["store"]):
            return None
        entry = remembered["champions"][name]
        if entry["files"] != _folder_state(Path(entry["folder"])):
            return None
        return ModelLocation(Path(entry["folder"]), {"version": str(entry["version"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember_champion(name: str, location: ModelLocation, store: Path, verified_ns: int) -> None:
    """Remember the champion of a model.

    Args:
        name: of the model.
        location: of the champion; its folder must be a part of the store.
        store: the file of the embedded store.
        verified_ns: when verifying the champion's files began; nanoseconds since 1970. If one has
            changed since then, nothing is remembered.
    """
    state, files = _state(str(store)), _folder_state(location.folder)
    if any(changed_ns >= verified_ns for changed_ns, *_ in files.values()):
        return
    try:
        remembered = json.loads(CHAMPIONS.read_text())
        champions = remembered["champions"] if remembered["state"] == state else {}
    except (OSError, ValueError, KeyError, TypeError):
        champions = {}
    champions[name] = {
        "folder": str(location.folder), "version": location.origin["version"], "files": files,
    }  # fmt: skip
    record = {"store": str(store), "state": state, "champions": champions}
    write_text_atomically(CHAMPIONS, json.dumps(record, indent=1) + "\n")


def _state(store: str) -> list[Any]:
    """What changes when the store is written to, or when another store is configured; a copy of the
    project has another folder."""
    files = [PARAMS, Path(store), Path(f"{store}-wal")]
    return [str(Path.cwd()), TRACKING_URI, *map(_file_state, files)]


def _folder_state(folder: Path) -> dict[str, list[int]]:
    """What changes with every file of a folder. Its owner can set the time of a file's content, but
    not that of its last change."""
    states = {}
    for path in sorted([folder, *folder.rglob("*")]):
        status = path.lstat()
        states[str(path.relative_to(folder))] = [
            status.st_ctime_ns, status.st_ino, status.st_size, status.st_mode,
        ]  # fmt: skip
    return states


def _file_state(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_mtime_ns, status.st_size]
