"""What a kill may leave of DVC's own bookkeeping, taken away before DVC stumbles over it.

DVC writes down in place who reads and writes what: killed in that moment, it leaves a torn file,
and every later command refuses to run until somebody deletes it.
"""

import fcntl
import json
import sys
from pathlib import Path

RWLOCK = Path(".dvc/tmp/rwlock")


def repair_dvc_lock(folder: Path = Path()) -> bool:
    """Delete a project's torn file, unless DVC is writing it right now; whether there was one."""
    torn = folder / RWLOCK
    if not torn.exists():
        return False
    with torn.with_suffix(".lock").open("a") as guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as DVC does
        except BlockingIOError:
            return False
        try:
            json.loads(torn.read_text())
        except ValueError:
            torn.unlink()
            sys.stderr.write(f"{torn} was torn by a crash, and is deleted\n")
            return True
    return False


if __name__ == "__main__":
    repair_dvc_lock()
