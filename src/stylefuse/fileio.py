"""Atomic writes, SHA-256 hashes of files, and locks between processes."""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from stylefuse.errors import UserError, disk_full_error, is_disk_full


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_tree(root: Path, files: Iterable[Path]) -> str:
    """The SHA-256 of several files' bytes and of their paths relative to `root`.

    The order of `files` does not matter.
    """
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(root)}\0{sha256(path)}\0".encode())
    return digest.hexdigest()


def write_atomically(path: Path, write: Callable[[Path], object], durable: bool = False) -> None:
    """Write a file under a temporary name in its folder, then rename it.

    Readers see the old file or the complete new one, also when several processes write at once. A
    failed write leaves the old file as it is and removes the temporary one.

    Args:
        path: of the file; missing folders are created.
        write: writes to the path that it is given.
        durable: flush the file and its folder to disk, so that it survives a power failure.

    Raises:
        UserError: the file cannot be written, or the disk is full.
    """
    draft = path.with_name(f".{path.name[:40]}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(draft)
        if durable:
            flush_to_disk(draft)
        draft.replace(path)
        if durable:
            flush_to_disk(path.parent, recursive=False)
    except OSError as error:
        if is_disk_full(error):
            raise disk_full_error(path) from None
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

    The lock is an exclusive `flock`. It is not reentrant.

    Args:
        path: of the lock file; missing folders are created. The file stays after the release.
        timeout_s: how long to wait for another holder; -1 waits without limit.

    Raises:
        TimeoutError: another process or thread still holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path, timeout=timeout_s, thread_local=False):
        yield
