"""Passwords of servers on loopback, which every user of the machine can reach."""

import os
import secrets
from pathlib import Path

BYTES = 24  # of randomness


def read_or_create_password(path: Path) -> str:
    """The password in a file that only its owner may read; a random one the first time.

    Args:
        path: of the file; its folder is created.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        path.chmod(0o600)
    else:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(BYTES) + "\n")
    return path.read_text().strip()
