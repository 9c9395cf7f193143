"""Atomic writes, SHA-256 hashes of files, reading of files in folders that others have made, and
locks between processes."""

import contextlib
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

from stylefuse.errors import UserError, disk_full_error, is_disk_full

FILE_NAME = re.compile(r"\w[\w.-]{0,99}")  # no path, and none of the names that mean a folder
MAX_FILE_BYTES = 1 << 31  # of a file in a folder of others; ONNX graphs have no more
MAX_DOCUMENT_BYTES = 1_000_000  # of a JSON file there


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


def regular_file(folder: Path, name: str, max_bytes: int = MAX_FILE_BYTES) -> Path:
    """The path of a file in a folder that others may have made, where both its name and what it
    is are theirs. Nothing that may never end, such as a pipe or a device, and nothing outside of
    the folder is opened.

    Args:
        folder: holds the file; a link may lead to another file in it.
        name: of the file.
        max_bytes: a larger file is refused.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: the folder cannot be read.
        ValueError: it is not a regular file in the folder, or it is too large.
    """
    if not FILE_NAME.fullmatch(name):
        raise ValueError(f"{name[:100]!r} is not the name of a file in it")
    path = folder / name
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) or not is_inside(path, folder):
        raise ValueError(f"{name} is not a regular file in it")
    if status.st_size > max_bytes:
        raise ValueError(
            f"{name} has {status.st_size:,} bytes, more than the {max_bytes:,} allowed"
        )
    return path


def is_inside(path: Path, folder: Path) -> bool:
    """Whether a path leads to the folder or into it, when all links are followed."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # links in a circle, and no path at all
        return False


def resolved(path: Path) -> Path:
    """A path whose links are followed.

    Raises:
        UserError: they lead in a circle.
    """
    try:
        return path.resolve()
    except RuntimeError:
        raise UserError(
            f"{path} is a link that leads to itself; name another file", code="file-not-accessible"
        ) from None


def read_document(
    folder: Path, name: str, parse: Callable[[str], Any], max_bytes: int = MAX_DOCUMENT_BYTES
) -> dict[str, Any]:
    """Read a JSON or YAML file in a folder that others may have made.

    Args:
        folder: see `regular_file`.
        name: of the file.
        parse: a text to what it says.
        max_bytes: a larger file is refused.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: the file cannot be read.
        ValueError: see `regular_file`; or the file does not hold one mapping.
    """
    text = regular_file(folder, name, max_bytes).read_text(encoding="utf-8")
    try:
        document = parse(text)
    except Exception as error:  # RecursionError, and of each parser its own
        reason = " ".join(str(error).split())[:200]
        raise ValueError(f"{name} is damaged: {reason}") from None
    if not isinstance(document, dict):
        raise ValueError(f"{name} is damaged: it holds no names with values")
    return document


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
