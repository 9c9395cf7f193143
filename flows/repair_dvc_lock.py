"""Deletes DVC's lock file if a crash has left it incomplete.

DVC rewrites `.dvc/tmp/rwlock` in place. If it is killed while it writes, every later DVC command
refuses to run until the file is deleted.
"""

import json
import sys
from pathlib import Path

from stylefuse.fileio import file_lock

RWLOCK = Path(".dvc/tmp/rwlock")


def repair_dvc_lock(folder: Path = Path()) -> bool:
    """Delete a project's lock file if it is incomplete and DVC is not writing it right now.

    Returns:
        Whether the file was deleted.
    """
    rwlock = folder / RWLOCK
    if not rwlock.exists():
        return False
    try:
        with file_lock(rwlock.with_suffix(".lock")):  # the guard that DVC itself uses
            if _is_complete(rwlock):
                return False
            rwlock.unlink()
    except TimeoutError:
        return False
    sys.stderr.write(f"{rwlock} was left incomplete by a crash and has been deleted\n")
    return True


def _is_complete(rwlock: Path) -> bool:
    try:
        json.loads(rwlock.read_text())
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    repair_dvc_lock()
