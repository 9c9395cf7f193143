"""A cache for functions of an array, keyed by the array's content."""

import hashlib
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from cachetools import LRUCache, cached

MAX_BYTES = 128 << 20  # of the results that one cache holds


def cache_by_content(
    function: Callable[[np.ndarray], Any], max_bytes: int = MAX_BYTES
) -> Callable[[np.ndarray], Any]:
    """Call a function once per array content; safe in threads.

    When a user moves a slider over one picture, the picture is encoded once. Threads that ask for
    the same array at the same time wait for one call.

    Args:
        function: of one array; returns an array or a list of arrays, which must not be changed.
        max_bytes: of all results; the least recently used are dropped, and a larger result is not
            kept.
    """
    cache: LRUCache[tuple, Any] = LRUCache(max_bytes, getsizeof=_nbytes)
    return cached(cache, key=_content_key, condition=threading.Condition())(function)


def _content_key(array: np.ndarray) -> tuple:
    return array.shape, array.dtype.str, hashlib.sha256(array.tobytes()).digest()


def _nbytes(result: Any) -> int:
    if isinstance(result, list | tuple):
        return sum(map(_nbytes, result))
    return int(result.nbytes)
