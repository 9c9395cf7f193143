"""Where a model comes from, as tags: code, data, settings and versions."""

import hashlib
import os
import platform
import re
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import yaml

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.models.files import sha256
from stylefuse.registry.worktree import git

LOCK, REQUIREMENTS = Path("dvc.lock"), Path("requirements.lock")
WRITTEN = ("dvc.lock", "reports/")  # results of a run, which are no reason of it
TRACKED = ("data/prepared", "data/manifest.parquet")
PACKAGES = ("stylefuse", "keras", "tensorflow-cpu")


def provenance(params: Params, model: str) -> dict[str, str]:
    """Tags that tell how to make a model again; what cannot be known here is left out."""
    settings = hashlib.sha256(params.model_dump_json().encode()).hexdigest()
    return {
        **_commit(),
        **data_hashes(Path(), model),
        "params.sha256": settings,
        **environment(),
    }


def environment() -> dict[str, str]:
    """What a training's bytes depend on beside code, settings and data."""
    lock = {"requirements.sha256": sha256(REQUIREMENTS)} if REQUIREMENTS.exists() else {}
    cores = len(os.sched_getaffinity(0))
    return {
        "hardware": f"{_processor()}, {cores} core{'s' * (cores > 1)}",
        **lock,
        **{f"version.{package}": version(package) for package in PACKAGES},
    }


def data_hashes(root: Path, model: str) -> dict[str, str]:
    """What DVC noted of a model's data and of its weights, in a folder of the project."""
    tracked = (*TRACKED, f"models/{model}")
    found = _outputs(root / LOCK)
    return {f"dvc.{path}": md5 for path, md5 in found.items() if path in tracked}


def _processor() -> str:
    with suppress(OSError):
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def _commit() -> dict[str, str]:
    """The commit of the working tree, and whether the tree differs from it in anything but what
    the pipeline itself writes."""
    try:
        listed = git("diff", "--name-only", "HEAD"), git("ls-files", "-o", "--exclude-standard")
        changed = [path for paths in listed for path in paths.splitlines()]
        dirty = any(not path.startswith(WRITTEN) for path in changed)
        return {"git.commit": git("rev-parse", "HEAD"), "git.dirty": str(dirty).lower()}
    except UserError:
        return {}  # no git, or no repository


def _outputs(lock: Path) -> dict[str, str]:
    """Path → MD5 of everything that the pipeline made, as DVC noted it."""
    try:
        stages = yaml.safe_load(lock.read_text())["stages"].values()
        return {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", [])}
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return {}  # not made by DVC, or the lock is torn
