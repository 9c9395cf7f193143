"""Where a model comes from, as tags: code, data, settings and versions."""

import hashlib
import subprocess
from importlib.metadata import version
from pathlib import Path

import yaml

from stylefuse.config import Params

LOCK = Path("dvc.lock")
TRACKED = ("data/prepared", "data/manifest.parquet")
PACKAGES = ("stylefuse", "keras", "tensorflow-cpu")


def provenance(params: Params, model: str) -> dict[str, str]:
    """Tags that tell how to make a model again; what cannot be known here is left out."""
    settings = hashlib.sha256(params.model_dump_json().encode()).hexdigest()
    tracked = (*TRACKED, f"models/{model}")
    return {
        **_commit(),
        **{f"dvc.{path}": md5 for path, md5 in _outputs().items() if path in tracked},
        "params.sha256": settings,
        **{f"version.{package}": version(package) for package in PACKAGES},
    }


def _commit() -> dict[str, str]:
    """The commit of the working tree, and whether the tree differs from it."""

    def git(*command: str) -> str:
        return subprocess.run(
            ["git", *command], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain") != ""
        return {"git.commit": git("rev-parse", "HEAD"), "git.dirty": str(changed).lower()}
    except (OSError, subprocess.CalledProcessError):
        return {}  # no git, or no repository


def _outputs() -> dict[str, str]:
    """Path → MD5 of everything that the pipeline made, as DVC noted it."""
    try:
        stages = yaml.safe_load(LOCK.read_text())["stages"].values()
        return {out["path"]: out["md5"] for stage in stages for out in stage.get("outs", [])}
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return {}  # not made by DVC, or the lock is torn
