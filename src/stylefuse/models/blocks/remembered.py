"""A function of an array that remembers what it gave for the last ones."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
from keras import tree

MOST = 128 << 20  # bytes of all that is remembered
LARGEST = MOST // 4  # of one result


class Remembered:
    """Calls a function only for what it has not been given lately; safe to use from threads.

    A slider is moved over one picture: what an encoder found in it need not be found again.

    Args:
        function: of one array; gives an array or a list of arrays, which nobody may change.
    """

    def __init__(self, function: Callable[[np.ndarray], Any]):
        self._function = function
        self._results: OrderedDict[bytes, Any] = OrderedDict()
        self._held = 0
        self._lock = threading.Lock()

    def __call__(self, array: np.ndarray) -> Any:
        name = hashlib.sha256(array.tobytes()).digest() + str(array.shape).encode()
        with self._lock:
            if name in self._results:
                self._results.move_to_end(name)
                return self._results[name]
        result = self._function(array)
        self._keep(name, result)
        return result

    def _keep(self, name: bytes, result: Any) -> None:
        size = _size(result)
        with self._lock:
            if size > LARGEST or name in self._results:
                return
            self._results[name] = result
            self._held += size
            while self._held > MOST:
                self._held -= _size(self._results.popitem(last=False)[1])


def _size(result: Any) -> int:
    return sum(array.nbytes for array in tree.flatten(result))
