"""Files written whole or not at all, their hashes, and locks between processes."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from stylefuse.errors import UserError


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_tree(root: Path, files: Iterable[Path]) -> str:
    """The SHA-256 of files' bytes and of their paths relative to `root`, in any order."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(root)}\0{sha256(path)}\0".encode())
    return digest.hexdigest()


def write_atomically(path: Path, write: Callable[[Path], object], durable: bool = False) -> None:
    """Write a file under a temporary name beside it, then rename it.

    Args:
        path: of the file; missing folders are made.
        write: writes to the path that it is given.
        durable: flush the file and its folder to disk, so that it survives a power failure.

    Raises:
        UserError: the disk or the folder refuses.
    """
    draft = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(draft)
        if durable:
            flush_to_disk(draft)
        draft.replace(path)
        if durable:
            flush_to_disk(path.parent, recursive=False)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}"
        raise UserError(message, code="file-not-writable") from None
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def write_text_atomically(path: Path, text: str, durable: bool = False) -> None:
    """`write_atomically` for UTF-8 text."""
    write_atomically(path, lambda draft: draft.write_text(text, encoding="utf-8"), durable)


def flush_to_disk(*paths: Path, recursive: bool = True) -> None:
    """`fsync` files, and folders with everything in them."""
    for root in paths:
        for path in (root, *(root.rglob("*") if recursive else ())):
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


@contextmanager
def file_lock(path: Path, timeout_s: float = 0) -> Iterator[None]:
    """Hold a lock file until the block ends; the kernel releases it if the process dies.

    Args:
        path: of the lock file; missing folders are made.
        timeout_s: how long to wait for another holder; -1 waits without limit.

    Raises:
        TimeoutError: another process or thread still holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path, timeout=timeout_s, thread_local=False):
        yield
