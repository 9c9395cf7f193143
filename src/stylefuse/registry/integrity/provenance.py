"""Where a model comes from, as tags: code, data, settings and versions."""

import hashlib
import json
import os
import platform
import re
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import yaml

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.fileio import sha256
from stylefuse.registry.integrity.worktree import git

LOCK, REQUIREMENTS = Path("dvc.lock"), Path("requirements.lock")
WRITTEN = ("dvc.lock", "reports/", ".dvc/")  # what is no reason of a run's results
NAMED = 3  # files in a message, at most
TRACKED = ("data/prepared", "data/manifest.parquet")
PACKAGES = ("stylefuse", "keras", "tensorflow-cpu")


def provenance(params: Params, model: str) -> dict[str, str]:
    """Tags that tell how to make a model again; what cannot be known here is left out."""
    settings = hashlib.sha256(params.model_dump_json().encode()).hexdigest()
    return {
        **commit_tags(),
        **made_from(Path(), model),
        "params.sha256": settings,
        **environment(),
    }


def refuse_dirty(origin: dict[str, str]) -> None:
    """Raise a UserError where tags tell of something that no commit has."""
    if origin.get("git.dirty") == "false":
        return
    try:
        why = f"no commit has {named(changed())}"
    except UserError as error:
        why = str(error)
    raise UserError(
        f"what this model was made from could not be found again ({why}): commit, and register "
        "then; pictures of yours may lie elsewhere, or be named in .gitignore. Or set "
        "registry.allow_dirty in params.yaml, and the version says so for ever"
    )


def environment() -> dict[str, str]:
    """What a training's bytes depend on beside code, settings and data."""
    lock = {"requirements.sha256": sha256(REQUIREMENTS)} if REQUIREMENTS.exists() else {}
    cores = len(os.sched_getaffinity(0))
    return {
        "backend": os.environ.get("KERAS_BACKEND", "tensorflow"),
        "hardware": f"{_processor()}, {cores} core{'s' * (cores > 1)}",
        **lock,
        **{f"version.{package}": version(package) for package in PACKAGES},
    }


def made_from(root: Path, model: str) -> dict[str, str]:
    """What DVC noted of a training in a folder of the project: hashes of its code, parameters and
    data, and of the weights that came out."""
    noted_of = stages(root / LOCK)
    outputs = {o["path"]: o["md5"] for stage in noted_of.values() for o in stage.get("outs", [])}
    train = noted_of.get(f"train@{model}", {})
    code = {d["path"]: d["md5"] for d in train.get("deps", []) if d["path"].startswith("src/")}
    noted = {path: outputs.get(path) for path in (*TRACKED, f"models/{model}")}
    noted |= {"code": _digest(code), "params": _digest(train.get("params"))}
    return {f"dvc.{name}": md5 for name, md5 in noted.items() if md5}


def _digest(noted: object) -> str | None:
    """A short name for what DVC noted; none for nothing."""
    text = json.dumps(noted, sort_keys=True).encode()
    return hashlib.sha256(text).hexdigest()[:32] if noted else None


def _processor() -> str:
    """Name and kind: one name may be several kinds, whose sums are rounded differently."""
    with suppress(OSError):
        told = Path("/proc/cpuinfo").read_text().partition("\n\n")[0]
        facts = dict(re.findall(r"^(.+?)\s*: (.*)$", told, flags=re.MULTILINE))
        if "model name" in facts:
            kind = "-".join(facts.get(k, "?") for k in ("cpu family", "model", "stepping"))
            return f"{facts['model name'].strip()} {kind}"
    return platform.processor() or platform.machine()


def commit_tags() -> dict[str, str]:
    """The commit of the working tree, and whether the tree differs from it in anything but what
    the pipeline itself writes."""
    try:
        dirty = bool(changed())
        return {"git.commit": git("rev-parse", "HEAD"), "git.dirty": str(dirty).lower()}
    except UserError:
        return {}  # no git, or no repository


def changed() -> list[str]:
    """Files that differ from the commit, but for what the pipeline itself writes.

    Raises:
        UserError: there is no git, no repository, or no commit.
    """
    listed = git("ls-files", "-o", "--exclude-standard"), git("diff", "--name-only", "HEAD")
    paths = [path for lines in listed for path in lines.splitlines()]
    return [path for path in paths if not path.startswith(WRITTEN)]


def named(paths: list[str]) -> str:
    """The first few of some files, and how many more there are."""
    more = len(paths) - NAMED
    return ", ".join(paths[:NAMED]) + (f" and {more} more" if more > 0 else "")


def stages(lock: Path) -> dict[str, dict]:
    """What DVC noted of each stage."""
    try:
        return {
            name: dict(stage) for name, stage in yaml.safe_load(lock.read_text())["stages"].items()
        }
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError):
        return {}  # not made by DVC, or the lock is torn
