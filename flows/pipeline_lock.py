"""One pipeline at a time in a project's folder, whoever started it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.repair_dvc_lock import repair_dvc_lock

LOCK = Path(".prefect/pipeline.lock")


@contextmanager
def pipeline_lock() -> Iterator[bool]:
    """Take the folder until the end of the block, or of the process.

    Yields:
        Whether it was free; where not, nothing is held and nothing should be run.
    """
    LOCK.parent.mkdir(exist_ok=True)
    with LOCK.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            repair_dvc_lock()
            yield True
