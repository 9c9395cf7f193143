"""A function is called once per array content, and the cache's size is bounded."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from stylefuse.inference.array_cache import cache_by_content


class CountingFunction:
    """Returns two arrays as large as its own, and counts its calls."""

    def __init__(self):
        self.calls = 0
        self._lock = threading.Lock()

    def __call__(self, array):
        with self._lock:
            self.calls += 1
        return [array + 1, array * 2]


@pytest.fixture
def function():
    return CountingFunction()


def test_the_same_content_is_computed_once(function):
    cached = cache_by_content(function)
    first = cached(np.zeros((2, 3)))
    assert cached(np.zeros((2, 3))) is first
    assert function.calls == 1
    np.testing.assert_array_equal(first[0], np.ones((2, 3)))


def test_the_content_counts_not_the_object(function):
    cached = cache_by_content(function)
    array = np.zeros(4)
    cached(array)
    array[0] = 1
    np.testing.assert_array_equal(cached(array)[0], [2, 1, 1, 1])
    view = np.arange(8.0)[::2]
    np.testing.assert_array_equal(cached(view)[0], cached(view.copy())[0])
    assert function.calls == 3


@pytest.mark.parametrize(
    "other",
    [
        np.zeros((3, 2), np.float32),
        np.zeros(6, np.float32),
        np.ones((2, 3), np.float32),
        np.zeros((2, 3), np.int32),
        np.zeros((2, 3), ">f4"),
    ],
    ids=["shape", "dimensions", "content", "type", "byte order"],
)
def test_another_shape_type_or_content_is_computed_separately(function, other):
    cached = cache_by_content(function)
    cached(np.zeros((2, 3), np.float32))
    result = cached(other)
    assert function.calls == 2
    assert (result[0].shape, result[0].dtype) == (other.shape, (other + 1).dtype)


def test_the_least_recently_used_results_are_dropped(function):
    cached = cache_by_content(function, max_bytes=4 * 2 * 80)
    arrays = [np.full(10, i, float) for i in range(5)]  # two results of 80 bytes for each
    for array in arrays:  # the fifth drops the first
        cached(array)
    assert function.calls == 5
    for kept in (4, 1, 2, 3):
        cached(arrays[kept])
    assert function.calls == 5
    cached(arrays[0])  # drops the fourth, which was used first
    assert function.calls == 6
    for kept in (1, 2, 3, 0):
        cached(arrays[kept])
    assert function.calls == 6
    cached(arrays[4])
    assert function.calls == 7


def test_a_result_larger_than_the_limit_is_not_kept_and_drops_nothing(function):
    cached = cache_by_content(function, max_bytes=2 * 80)
    small, large = np.zeros(10), np.zeros(11)
    cached(small)
    for _ in range(2):
        np.testing.assert_array_equal(cached(large)[0], large + 1)
    assert function.calls == 3
    cached(small)
    assert function.calls == 3


def test_single_arrays_and_nested_lists_have_a_size():
    results = {1: np.zeros(10), 2: [np.zeros(5), (np.zeros(5),)], 3: np.zeros(11)}
    calls = []
    cached = cache_by_content(lambda a: calls.append(int(a)) or results[int(a)], max_bytes=80)
    for key in (1, 1, 2, 2, 3, 3):
        assert cached(np.array(key)) is results[key]
    assert calls == [1, 2, 3, 3]


def test_an_error_is_not_cached():
    calls = []

    def fail_once(array):
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("the first call")
        return array

    cached = cache_by_content(fail_once)
    with pytest.raises(ValueError, match="the first call"):
        cached(np.zeros(2))
    np.testing.assert_array_equal(cached(np.zeros(2)), np.zeros(2))


def test_caches_are_independent(function):
    cache_by_content(function)(np.zeros(2))
    cache_by_content(function)(np.zeros(2))
    assert function.calls == 2


def test_threads_get_the_result_of_their_own_array(function):
    cached = cache_by_content(function, max_bytes=3 * 2 * 32)  # fewer results than arrays

    def is_correct(i):
        array = np.full(4, i % 7, float)
        return all(map(np.array_equal, cached(array), [array + 1, array * 2]))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(is_correct, range(500)))


def test_threads_that_ask_for_the_same_array_at_once_wait_for_one_call(function):
    def slow(array):
        time.sleep(0.1)
        return function(array)

    cached, barrier = cache_by_content(slow), threading.Barrier(4)

    def call(_):
        barrier.wait()
        return cached(np.zeros(3))

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(call, range(4)))
    assert function.calls == 1
    assert all(result is results[0] for result in results)


def test_another_array_does_not_wait():
    entered, finish = threading.Event(), threading.Event()

    def block_on_ones(array):
        if array.all():
            entered.set()
            assert finish.wait(60)
        return array

    cached = cache_by_content(block_on_ones)
    with ThreadPoolExecutor(1) as pool:
        blocked = pool.submit(cached, np.ones(3))
        assert entered.wait(60)
        np.testing.assert_array_equal(cached(np.zeros(3)), np.zeros(3))
        assert not blocked.done()
        finish.set()
        np.testing.assert_array_equal(blocked.result(), np.ones(3))
