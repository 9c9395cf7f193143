"""Checkpoints: the whole state of a training in one file, with its checksum in the file's name."""

import contextlib
import hashlib
import io
import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import stylefuse
from stylefuse.errors import EXIT_TRY_AGAIN, UserError
from stylefuse.fileio import file_lock, sha256, sha256_of_tree, write_atomically

MAX_CHECKPOINTS = 2  # of a run
PATTERN = "step-*-*.npz"
# what a training executes, relative to the package; dvc.yaml names the same
CODE = ("data/batches.py", "data/torchfile.py", "images", "inference", "models", "training")


def run_key(**inputs: Any) -> str:
    """A short hash of everything that determines what a run computes: its folder's name."""
    text = json.dumps(inputs, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def code_digest() -> str:
    """A hash of the code that training executes: other code does not resume its checkpoints."""
    package = Path(stylefuse.__file__).parent
    files = [
        file
        for path in (package / name for name in CODE)
        for file in (path.rglob("*.py") if path.is_dir() else [path])
    ]
    return sha256_of_tree(package, files)


def data_digest(*folders: Path) -> str:
    """A hash of the files that training reads: tiles and published networks."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sha256_of_tree(Path(), files)


@contextmanager
def lock_checkpoints(folder: Path) -> Iterator[None]:
    """Keep other processes from training with a folder of checkpoints.

    Raises:
        UserError: another process has it.
    """
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(file_lock(folder / "lock"))
        except TimeoutError:
            message = f"another process trains with {folder}; wait until it has ended"
            raise UserError(
                message, exit_code=EXIT_TRY_AGAIN, code="training-in-progress"
            ) from None
        yield


def save_checkpoint(folder: Path, step: int, variables: Sequence, history: list[dict]) -> None:
    """Write all variables and the metrics so far, and delete older checkpoints but one."""
    arrays: dict[str, Any] = {f"v{i:04d}": np.asarray(v.value) for i, v in enumerate(variables)}
    arrays["history"] = np.frombuffer(json.dumps(history).encode(), np.uint8)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    content = buffer.getvalue()
    path = folder / f"step-{step:08d}-{hashlib.sha256(content).hexdigest()}.npz"
    write_atomically(path, lambda draft: draft.write_bytes(content), durable=True)
    for old in sorted(folder.glob(PATTERN))[:-MAX_CHECKPOINTS]:
        old.unlink()


def load_checkpoint(folder: Path, variables: Sequence) -> tuple[int, list[dict]]:
    """Load the newest intact checkpoint into `variables`; delete damaged and unfinished ones.

    Returns:
        The number of steps before it and the metrics until then; `(0, [])` if there is none.
    """
    for draft in folder.glob(".step-*.part"):  # of a process that was killed
        draft.unlink()
    for path in sorted(folder.glob(PATTERN), reverse=True):
        _, step, digest = path.stem.split("-")
        if sha256(path) != digest:
            path.unlink()  # it would count as one of those to keep
            continue
        with np.load(path, allow_pickle=False) as arrays:
            for i, variable in enumerate(variables):
                variable.assign(arrays[f"v{i:04d}"])
            history = json.loads(arrays["history"].tobytes())
        return int(step), history
    return 0, []


def delete_checkpoints(folder: Path) -> None:
    """Delete a run's folder, checkpoints first: one that is left must find its samples there."""
    for path in folder.glob(PATTERN):
        path.unlink()
    shutil.rmtree(folder, ignore_errors=True)
