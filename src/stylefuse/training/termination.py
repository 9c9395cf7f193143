"""Stopping a training on SIGTERM, and ending a process together with the one that started it."""

import ctypes
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PR_SET_PDEATHSIG = 1  # prctl(2): the signal that a process gets when its parent dies
DVC_STAGE = "DVC_STAGE"  # DVC sets it for the commands of its stages


def end_with_parent() -> None:
    """Have the kernel send this process SIGTERM when its parent ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


@contextmanager
def stop_on_sigterm() -> Iterator[Callable[[], bool]]:
    """Note SIGTERM instead of ending at once, so that training can save a checkpoint first.

    Under DVC the signal is also sent when DVC dies. Otherwise the stage would outlive it, and a new
    `dvc repro` would start a second training beside the first.

    Yields:
        A function that returns whether the process received SIGTERM.
    """
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: received.append(number))
    if DVC_STAGE in os.environ:
        end_with_parent()
    try:
        yield lambda: bool(received)
    finally:
        signal.signal(signal.SIGTERM, before)
