"""A setting of glibc's memory allocator for a process of many threads that lives long."""

import contextlib
import ctypes

M_ARENA_MAX = -8  # of <malloc.h>
ARENAS = 2  # by default 8 per core, each of which keeps what its threads have freed


def limit_arenas() -> None:
    """Let all threads use the memory that one has freed; does nothing with another C library."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)
