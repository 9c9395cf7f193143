"""A lock that lets one pipeline run at a time in the project's folder."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from flows.repair_dvc_lock import repair_dvc_lock
from stylefuse.fileio import file_lock
from stylefuse.paths import PIPELINE_LOCK


@contextmanager
def pipeline_lock() -> Iterator[bool]:
    """Hold the lock until the end of the block, or of the process.

    Yields:
        Whether the lock was free. If not, another pipeline is running and the block must run
        nothing.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(PIPELINE_LOCK))
            is_free = True
        except TimeoutError:
            is_free = False
        if is_free:
            repair_dvc_lock()
        yield is_free
