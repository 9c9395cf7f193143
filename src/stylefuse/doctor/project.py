"""Checks of the project: commit, DVC cache, tracking store, data, champions."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from stylefuse.config import Params
from stylefuse.doctor.check import CheckResult, Level
from stylefuse.errors import UserError
from stylefuse.paths import DVC_LOCK, MANIFEST


def commit(params: Params) -> CheckResult:
    """Could a version be registered? That takes a commit without uncommitted changes."""
    from stylefuse.registry.integrity.provenance import short_list, uncommitted_files
    from stylefuse.registry.integrity.worktree import git

    hint = "versions are registered only from a commit: make one"
    try:
        head, changes = git("rev-parse", "HEAD"), uncommitted_files()
    except UserError as error:
        level = Level.WARNING if params.registry.allow_dirty else Level.ERROR
        return CheckResult.from_error(error, level, hint)
    if not changes:
        return CheckResult(Level.OK, head[:12])
    hint = "versions are registered only from a commit: commit these, or add them to .gitignore"
    return CheckResult(Level.WARNING, f"uncommitted: {short_list(changes)}", hint)


def dvc_cache(params: Params) -> CheckResult:
    """Can DVC write to its cache?"""
    from dvc.repo import Repo

    with Repo() as repo:
        folder = Path(repo.cache.local.path)
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK):
        return CheckResult(Level.OK, str(folder))
    hint = "make it a writable folder, or choose another: `dvc cache dir --local FOLDER`"
    return CheckResult(Level.ERROR, f"{nearest} cannot be written", hint)


def store(params: Params) -> CheckResult:
    """Does the tracking store answer?"""
    from stylefuse.registry.store import (
        open_store,
        store_exists,
        tracking_uri,
        without_passwords,
    )

    address = without_passwords(tracking_uri(params.registry))
    if not store_exists(params.registry):
        return CheckResult(Level.OK, f"empty; {address} is created by the first run")
    open_store(params.registry, experiment=False)
    return CheckResult(Level.OK, address)


def data(params: Params) -> CheckResult:
    """Are the pictures those that passed validation?"""
    from stylefuse.gate.decide import validation_fault
    from stylefuse.registry.integrity.provenance import read_dvc_lock

    if not MANIFEST.exists():
        return CheckResult(Level.WARNING, "there are no pictures yet", "run `make repro`")
    if fault := validation_fault():
        hint = "see reports/validation.html, and run `dvc repro`"
        return CheckResult(Level.ERROR, fault, hint)
    validated = {
        entry["path"]: entry["md5"]
        for entry in read_dvc_lock(DVC_LOCK).get("validate", {}).get("deps", ())
    }
    if validated.get(str(MANIFEST)) == _md5(MANIFEST):
        return CheckResult(Level.OK, "validated")
    return CheckResult(Level.WARNING, "changed since they were validated", "run `dvc repro`")


def _md5(path: Path) -> str:
    """The hash by which DVC knows a file."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def champion(params: Params, model: str) -> CheckResult:
    """Does a model have a champion, unchanged since it was signed?"""
    from stylefuse.registry.fetch import champion_uri, has_champion
    from stylefuse.registry.integrity.verify import verify

    if not has_champion(params.registry, model):
        return CheckResult(Level.WARNING, "there is none yet", "run `make repro`")
    try:
        return CheckResult(Level.OK, str(verify(params, champion_uri(model))))
    except UserError as error:
        hint = f"promote another version (`stylefuse promote {model}`), and find out what changed"
        return CheckResult.from_error(error, Level.ERROR, hint)


CHECKS: dict[str, Callable[[Params], CheckResult]] = {
    "git": commit,
    "DVC cache": dvc_cache,
    "tracking store": store,
    "data": data,
}
