"""Freed memory goes back to the system, in a process that lives long and paints in many threads."""

import ctypes
import sys
import threading
import time

TRIM_S = 10  # between two times; after every picture, it would cost half of the speed


def trim_regularly() -> None:
    """Have glibc give back what it keeps for later, as long as the process lives.

    It would keep the memory of several pictures in each of its arenas. Does nothing where there is
    no glibc.
    """
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim"):
        threading.Thread(target=_trim, daemon=True).start()


def _trim() -> None:
    library = ctypes.CDLL(None)
    while True:
        time.sleep(TRIM_S)
        library.malloc_trim(0)
