"""A training that ends when it is asked to, and never outlives the pipeline that began it."""

import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PR_SET_PDEATHSIG = 1  # prctl(2): the signal that a process gets when its parent dies
DVC_STAGE = "DVC_STAGE"  # DVC sets it for the commands of its stages


def end_with_parent() -> None:
    """Have the kernel send this process SIGTERM when the one that started it ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def stop_on_sigterm() -> Iterator[Callable[[], bool]]:
    """Turn SIGTERM into a question that training asks at every tick.

    Under DVC the signal also comes when DVC dies: it would leave its stages running, and start a
    second training beside the first.

    Yields:
        Whether the process was asked to end.
    """
    asked: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))
    if DVC_STAGE in os.environ:
        end_with_parent()
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGTERM, before)
