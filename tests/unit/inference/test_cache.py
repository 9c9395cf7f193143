"""Results that are kept: of the same bytes and shape alone, the last ones, within a limit."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from stylefuse.inference.cache import CachedFunction

from stylefuse.inference import cache as remembered


class Counted:
    def __init__(self):
        self.calls = 0

    def __call__(self, array):
        self.calls += 1
        return [array + 1, array * 2]


def test_a_function_is_called_once_for_the_same_array():
    function = Counted()
    look = CachedFunction(function)
    first = look(np.zeros((2, 3)))
    assert look(np.zeros((2, 3))) is first
    assert function.calls == 1
    look(np.zeros((3, 2)))
    look(np.ones((2, 3)))
    assert function.calls == 3


def test_the_oldest_results_are_forgotten_and_large_ones_never_kept(monkeypatch):
    monkeypatch.setattr(remembered, "MOST", 4 * 2 * 80)
    monkeypatch.setattr(remembered, "LARGEST", 2 * 80)
    function = Counted()
    look = CachedFunction(function)
    arrays = [np.full(10, i, float) for i in range(5)]  # of two results of 80 bytes each
    for array in arrays:
        look(array)
    look(arrays[4])
    look(arrays[1])
    assert function.calls == 5
    look(arrays[0])
    assert function.calls == 6
    for _ in range(2):
        look(np.zeros(11))
    assert function.calls == 8


def test_threads_get_what_belongs_to_their_arrays():
    look = CachedFunction(Counted())

    def right(i):
        array = np.full(4, i % 7, float)
        return all(map(np.array_equal, look(array), [array + 1, array * 2]))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(right, range(500)))
