"""Freed memory goes back to the system, in a process that lives long and paints in many threads."""

import ctypes
import sys
import threading
import time

M_MMAP_THRESHOLD = -3  # of malloc.h
LARGE = 1 << 20  # bytes of a block
TRIM_S = 10  # between two times; after every picture, it would cost half of the speed


def trim_regularly() -> None:
    """Have glibc give back what it keeps for later, as long as the process lives.

    It would keep the memory of several pictures in each of its arenas. Does nothing where there is
    no glibc.
    """
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim"):
        threading.Thread(target=_trim, daemon=True).start()


def return_large_blocks() -> None:
    """Have glibc give large blocks back to the system as soon as they are freed.

    By default it learns from the first large pictures to keep the memory of later ones, in each of
    its arenas: gigabytes after a few requests with pictures of 40 megapixels. Does nothing where
    there is no glibc.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(M_MMAP_THRESHOLD, LARGE)


def _trim() -> None:
    library = ctypes.CDLL(None)
    while True:
        time.sleep(TRIM_S)
        library.malloc_trim(0)
