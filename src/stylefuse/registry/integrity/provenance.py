"""The provenance of a model as tags: its code, data, settings and training environment."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.fileio import sha256
from stylefuse.paths import DVC_LOCK, MANIFEST, MODELS, PREPARED, REQUIREMENTS_LOCK
from stylefuse.registry.integrity.worktree import git

PIPELINE_FILES = ("dvc.lock", "reports/", ".dvc/")  # written by the pipeline, inputs of nothing
TRACKED_DATA = (str(PREPARED), str(MANIFEST))
DIGEST_LENGTH = 32  # hexadecimal digits, like DVC's MD5
MAX_LISTED_FILES = 3  # in a message
NOT_RECORDED = "not recorded"
BACKEND_TAG, HARDWARE_TAG, VERSION_TAG = "backend", "hardware", "version."  # a tag per package
ENVIRONMENT_NOT_RECORDED = dict.fromkeys(
    (BACKEND_TAG, HARDWARE_TAG, f"{VERSION_TAG}stylefuse", f"{VERSION_TAG}keras"), NOT_RECORDED
)


def provenance(params: Params, model: str) -> dict[str, str]:
    """Tags with the code, data and settings of a training; what cannot be known is left out."""
    settings = hashlib.sha256(params.model_dump_json().encode()).hexdigest()
    return {
        **commit_tags(),
        **dvc_tags(Path(), model),
        "params.sha256": settings,
        **requirements_tag(),
    }


def require_committed(tags: Mapping[str, str]) -> None:
    """Check that a commit has everything that a model was made from.

    Raises:
        UserError: the working tree differs from the commit, or there is no repository.
    """
    if tags.get("git.dirty") == "false":
        return
    try:
        reason = f"no commit has {short_list(uncommitted_files())}"
    except UserError as error:
        reason = str(error)
    raise UserError(
        f"this model could not be trained again from a commit ({reason}); commit and register "
        "again. Move pictures of your own out of the repository or list them in .gitignore. Or "
        "set registry.allow_dirty in params.yaml; the version is then marked for good",
        code="uncommitted-changes",
    )


def environment_tags(environment: Mapping[str, Any]) -> dict[str, str]:
    """The machine and the libraries of a training as tags.

    Args:
        environment: see `stylefuse.training.environment.environment`.
    """
    versions = environment.get("versions", {})
    return {
        BACKEND_TAG: str(environment.get("backend", NOT_RECORDED)),
        HARDWARE_TAG: _hardware_text(environment.get("hardware", {})),
        **{f"{VERSION_TAG}{package}": str(number) for package, number in versions.items()},
    }


def only_environment_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags of an MLflow run that `environment_tags` made."""
    names = (BACKEND_TAG, HARDWARE_TAG)
    return {k: v for k, v in tags.items() if k in names or k.startswith(VERSION_TAG)}


def _hardware_text(hardware: Mapping[str, Any]) -> str:
    """`PROCESSOR, 8 cores, gpu:0 NVIDIA H200`; the accelerators follow the processor."""
    if not hardware:
        return NOT_RECORDED
    cores = hardware.get("cores", 0)
    accelerators = [name for name in hardware.get("devices", ()) if not name.startswith("cpu")]
    core_count = f"{cores} core{'s' * (cores != 1)}"
    return ", ".join([hardware.get("processor", "unknown processor"), core_count, *accelerators])


def requirements_tag() -> dict[str, str]:
    """The hash of the file that pins the libraries; nothing if it is missing."""
    if not REQUIREMENTS_LOCK.exists():
        return {}
    return {"requirements.sha256": sha256(REQUIREMENTS_LOCK)}


def dvc_tags(root: Path, model: str) -> dict[str, str]:
    """DVC's hashes of a training's code, parameters, data and weights, from `dvc.lock`.

    Args:
        root: the project's folder.
        model: the model's name in `params.yaml`.
    """
    stages = read_dvc_lock(root / DVC_LOCK)
    outputs = {
        out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])
    }
    train = stages.get(f"train@{model}", {})
    code = {dep["path"]: dep["md5"] for dep in train.get("deps", []) if _is_code(dep["path"])}
    hashes = {path: outputs.get(path) for path in (*TRACKED_DATA, str(MODELS / model))}
    hashes |= {"code": _digest(code), "params": _digest(train.get("params"))}
    return {f"dvc.{name}": value for name, value in hashes.items() if value}


def _is_code(path: str) -> bool:
    return path.startswith("src/")


def _digest(section: object) -> str | None:
    """A hash of a section of `dvc.lock`; None if it is empty."""
    text = json.dumps(section, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()[:DIGEST_LENGTH] if section else None


def commit_tags() -> dict[str, str]:
    """The commit, and whether the working tree differs from it; nothing without a repository."""
    try:
        dirty = bool(uncommitted_files())
        return {"git.commit": git("rev-parse", "HEAD"), "git.dirty": str(dirty).lower()}
    except UserError:
        return {}


def uncommitted_files() -> list[str]:
    """Files that differ from the commit, except those that the pipeline itself writes.

    Raises:
        UserError: there is no git, no repository, or no commit.
    """
    listings = git("ls-files", "-o", "--exclude-standard"), git("diff", "--name-only", "HEAD")
    paths = [path for listing in listings for path in listing.splitlines()]
    return [path for path in paths if not path.startswith(PIPELINE_FILES)]


def short_list(paths: list[str]) -> str:
    """The first few of a list of files, and how many more there are."""
    more = len(paths) - MAX_LISTED_FILES
    return ", ".join(paths[:MAX_LISTED_FILES]) + (f" and {more} more" if more > 0 else "")


def read_dvc_lock(lock: Path) -> dict[str, dict]:
    """The stages of a `dvc.lock` by name; nothing if the file is missing or damaged."""
    try:
        stages = yaml.safe_load(lock.read_text())["stages"]
        return {name: dict(stage) for name, stage in stages.items()}
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError):
        return {}
