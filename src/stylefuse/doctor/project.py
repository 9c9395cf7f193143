"""What the doctor looks at of the project: its commit, its data, its store and its champions."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from stylefuse.doctor.diagnose import Answer, Level
from stylefuse.errors import UserError

if TYPE_CHECKING:
    from stylefuse.config import Params

DVC_LOCK = Path("dvc.lock")
MANIFEST = Path("data/manifest.parquet")


def commit(params: "Params") -> Answer:
    """Whether a version could be registered: that is done only from a commit."""
    from stylefuse.registry.integrity.provenance import changed, named
    from stylefuse.registry.integrity.worktree import git

    needed = Level.WARNING if params.registry.allow_dirty else Level.WRONG
    try:
        head, differing = git("rev-parse", "HEAD"), changed()
    except UserError as error:
        return Answer.of(error, needed, "a version is registered only from a commit: make one")
    if not differing:
        return Answer(Level.OK, head[:12])
    remedy = "a version is registered only from a commit: commit them, or name them in .gitignore"
    return Answer(Level.WARNING, f"no commit has {named(differing)}", remedy)


def dvc_cache(params: "Params") -> Answer:
    """Whether DVC can keep what the pipeline makes."""
    from dvc.repo import Repo

    with Repo() as repo:
        folder = Path(repo.cache.local.path)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return Answer(Level.OK, str(folder))
    remedy = "make it a folder that you may write, or name another: `dvc cache dir --local FOLDER`"
    return Answer(Level.WRONG, f"{there} cannot be written", remedy)


def store(params: "Params") -> Answer:
    """Whether the tracking store answers, and nobody holds it."""
    from stylefuse.registry.store import open_store, shown, store_exists, tracking_uri

    where = shown(tracking_uri(params.registry))
    if not store_exists(params.registry):
        return Answer(Level.OK, f"nothing is kept yet; {where} is made with the first run")
    open_store(params.registry, experiment=False)
    return Answer(Level.OK, where)


def data(params: "Params") -> Answer:
    """Whether the pictures here are those that were validated, and were found good."""
    from stylefuse.gate.decide import validation_fault
    from stylefuse.registry.integrity.provenance import stages

    if not MANIFEST.exists():
        return Answer(Level.WARNING, "there are no pictures yet", "run `make repro`")
    if fault := validation_fault():
        return Answer(Level.WRONG, fault, "see reports/validation.html, and run `dvc repro`")
    judged = {
        noted["path"]: noted["md5"]
        for noted in stages(DVC_LOCK).get("validate", {}).get("deps", ())
    }
    if judged.get(str(MANIFEST)) == _md5(MANIFEST):
        return Answer(Level.OK, "validated")
    return Answer(Level.WARNING, "they were validated as they were before", "run `dvc repro`")


def _md5(path: Path) -> str:
    """What DVC calls a file's content."""
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def champion(params: "Params", model: str) -> Answer:
    """Whether a model has a champion, which is what was registered."""
    from stylefuse.registry.fetch import champion_uri, has_champion
    from stylefuse.registry.integrity.verify import verify

    if not has_champion(params.registry, model):
        return Answer(Level.WARNING, "there is none yet", "run `make repro`")
    try:
        return Answer(Level.OK, str(verify(params, champion_uri(model))))
    except UserError as error:
        remedy = f"promote another one (`stylefuse promote {model}`), and find out who changed it"
        return Answer.of(error, Level.WRONG, remedy)


CHECKS: dict[str, Callable[["Params"], Answer]] = {
    "git": commit,
    "DVC cache": dvc_cache,
    "tracking store": store,
    "data": data,
}
