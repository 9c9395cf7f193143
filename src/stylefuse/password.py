"""Passwords of servers on loopback, which every user of the machine can reach."""

import os
import secrets
from pathlib import Path

from stylefuse.fileio import file_lock, write_atomically

BYTES = 24  # of randomness


def read_or_create_password(path: Path) -> str:
    """The password in a file that only its owner may read; a random one the first time.

    Processes that start at once agree on one. A write that fails leaves no file, and an empty file
    is replaced.

    Args:
        path: of the file; its folder is created.

    Raises:
        UserError: the file cannot be written, or the disk is full.
    """
    with file_lock(path.with_name(f".{path.name}.lock"), timeout_s=-1):
        if not _read(path):
            write_atomically(path, _write_password, durable=True)
        return _read(path)


def _read(path: Path) -> str:
    """The password in a file; empty if there is none yet."""
    try:
        path.chmod(0o600)
        return path.read_text().strip()
    except FileNotFoundError:
        return ""


def _write_password(draft: Path) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(BYTES) + "\n")
