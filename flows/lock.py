"""One pipeline at a time in a project's folder, whoever started it."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flows.heal import heal

LOCK = Path(".prefect/pipeline.lock")


@contextmanager
def workspace() -> Iterator[bool]:
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
            heal()
            yield True
