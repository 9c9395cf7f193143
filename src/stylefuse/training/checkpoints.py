"""The whole state of a run in one file, written so that a crash never leaves half of one."""

import fcntl
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

import stylefuse
from stylefuse.errors import UserError

KEPT = 2


def run_key(**facts) -> str:
    """A short name for everything that decides what a run computes; it is the folder's name."""
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def code_digest() -> str:
    """A name for the code that training runs: a checkpoint of other code is another run's."""
    package = Path(stylefuse.__file__).parent
    files = sorted(p for part in ("models", "training") for p in (package / part).rglob("*.py"))
    found = hashlib.sha256()
    for path in [*files, package / "data/batches.py"]:
        found.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes())
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
    """Write all variables, the metrics so far and a checksum; keep the last two files."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {f"v{i:04d}": np.asarray(v.value) for i, v in enumerate(variables)}
    arrays["history"] = np.frombuffer(json.dumps(history).encode(), np.uint8)
    path = folder / f"step-{step:08d}.npz"
    draft = path.with_suffix(".part")
    with draft.open("wb") as file:
        np.savez(file, **arrays)
        file.flush()
        os.fsync(file.fileno())
    path.with_suffix(".sha256").write_text(hashlib.sha256(draft.read_bytes()).hexdigest())
    draft.replace(path)
    for old in sorted(folder.glob("step-*.npz"))[:-KEPT]:
        old.unlink()
        old.with_suffix(".sha256").unlink(missing_ok=True)


def load_checkpoint(folder: Path, variables: Sequence) -> tuple[int, list[dict]]:
    """Put the newest whole checkpoint into `variables`.

    Returns:
        The step it was taken after and the metrics until then; `(0, [])` where there is none.
    """
    for path in sorted(folder.glob("step-*.npz"), reverse=True):
        seal = path.with_suffix(".sha256")
        if not seal.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != seal.read_text():
            continue  # torn by a crash; the one before it is whole
        with np.load(path, allow_pickle=False) as arrays:
            for i, variable in enumerate(variables):
                variable.assign(arrays[f"v{i:04d}"])
            history = json.loads(arrays["history"].tobytes())
        return int(path.stem.removeprefix("step-")), history
    return 0, []
