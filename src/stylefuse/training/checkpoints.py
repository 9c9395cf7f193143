"""The whole state of a run in one file, written so that a crash never leaves half of one."""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

import stylefuse
from stylefuse.errors import UserError

KEPT = 2
CHECKPOINT = "step-*-*.npz"


def run_key(**facts) -> str:
    """A short name for everything that decides what a run computes; it is the folder's name."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def code_digest() -> str:
    """A name for the code that training runs: a checkpoint of other code is another run's."""
    package = Path(stylefuse.__file__).parent
    files = [p for part in ("models", "training") for p in (package / part).rglob("*.py")]
    data = package / "data"
    return digest_of(package, [*files, data / "batches.py", data / "torchfile.py"])


def data_digest(*folders: Path) -> str:
    """A name for the files that training reads: tiles, and networks where there are any."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return digest_of(Path(), files)


def digest_of(root: Path, files: Iterable[Path]) -> str:
    """The SHA-256 of the names, below a folder, and the bytes of files."""
    found = hashlib.sha256()
    for path in sorted(files):
        found.update(f"{path.relative_to(root)}\0{_sha256(path)}\0".encode())
    return found.hexdigest()


def hold(folder: Path) -> IO[str]:
    """Take a folder of checkpoints for this process alone, until the file is closed.

    The kernel frees it when the process ends, however it ends.

    Raises:
        UserError: another process has it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise UserError(
            f"another process trains with {folder}; wait until it has ended", exit_code=75
        ) from None
    return lock


def save_checkpoint(folder: Path, step: int, variables: Sequence, history: list[dict]) -> None:
    """Write all variables and the metrics so far; keep the last two files.

    A file bears its SHA-256 in its name: both are there at once, or neither is.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {f"v{i:04d}": np.asarray(v.value) for i, v in enumerate(variables)}
    arrays["history"] = np.frombuffer(json.dumps(history).encode(), np.uint8)
    draft = folder / "step.part"
    with draft.open("wb") as file:
        np.savez(file, **arrays)
    sync(draft)
    draft.replace(folder / f"step-{step:08d}-{_sha256(draft)}.npz")
    sync(folder)
    for old in sorted(folder.glob(CHECKPOINT))[:-KEPT]:
        old.unlink()


def load_checkpoint(folder: Path, variables: Sequence) -> tuple[int, list[dict]]:
    """Put the newest whole checkpoint into `variables`; torn ones are deleted.

    Returns:
        The step it was taken after and the metrics until then; `(0, [])` where there is none.
    """
    for path in sorted(folder.glob(CHECKPOINT), reverse=True):
        _, step, digest = path.stem.split("-")
        if _sha256(path) != digest:
            path.unlink()  # or it would count as one of those to keep
            continue
        with np.load(path, allow_pickle=False) as arrays:
            for i, variable in enumerate(variables):
                variable.assign(arrays[f"v{i:04d}"])
            history = json.loads(arrays["history"].tobytes())
        return int(step), history
    return 0, []


def forget(folder: Path) -> None:
    """Delete a run's folder, checkpoints first: one that is left must find its samples there."""
    for path in folder.glob(CHECKPOINT):
        path.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def sync(*paths: Path) -> None:
    """Have the disk keep files, and folders with all that is in them, before anything goes on."""
    for root in paths:
        for path in (root, *root.rglob("*")):
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
