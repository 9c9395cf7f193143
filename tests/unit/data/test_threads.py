"""Work in threads: results in order, few items at a time, errors where they belong."""

import pytest

from stylefuse.data.threads import AHEAD, MAX_THREADS, map_in_threads


def test_results_come_in_the_order_of_the_items():
    assert list(map_in_threads(lambda item: item**2, range(500))) == [i**2 for i in range(500)]
    assert list(map_in_threads(str, [])) == []


def test_items_are_taken_only_a_few_ahead():
    taken = []
    results = map_in_threads(str, (taken.append(i) or i for i in range(10_000)))
    for number, _ in zip(range(100), results, strict=False):
        assert len(taken) <= number + 2 + AHEAD * MAX_THREADS


def test_an_error_is_raised_in_place_of_its_result():
    results = map_in_threads(lambda item: 1 // item, [2, 1, 0, 1])
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
