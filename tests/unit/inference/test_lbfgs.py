"""Minimisation with bounds, by a given number of evaluations."""

import numpy as np

from stylefuse.inference.lbfgs import minimize

CURVATURES = np.geomspace(1, 1000, 30).astype(np.float32)


def quadratic(target):
    """An ill-conditioned function with its minimum at a target."""
    calls = []

    def function(x):
        calls.append(x)
        difference = x - target
        return float((CURVATURES * difference**2).sum() / 2), CURVATURES * difference

    return function, calls


def minimum(target, evaluations):
    function, calls = quadratic(target)
    start = np.full(30, 0.5, np.float32)
    results = list(minimize(function, start, evaluations))
    return results, calls


def test_it_finds_the_minimum_of_an_ill_conditioned_function():
    target = np.random.default_rng(0).uniform(0.1, 0.9, 30).astype(np.float32)
    results, _ = minimum(target, 160)
    np.testing.assert_allclose(results[-1], target, atol=1e-3)
    assert results[-1].dtype == np.float32


def test_each_evaluation_yields_the_best_so_far():
    target = np.full(30, 0.2, np.float32)
    results, calls = minimum(target, 25)
    assert len(results) == len(calls) == 25
    function, _ = quadratic(target)
    values = [function(x)[0] for x in results]
    assert values == sorted(values, reverse=True)
    assert values[-1] == min(function(x)[0] for x in calls)


def test_it_stays_between_0_and_1():
    outside = np.linspace(-1, 2, 30, dtype=np.float32)
    results, calls = minimum(outside, 60)
    assert min(x.min() for x in calls) >= 0
    assert max(x.max() for x in calls) <= 1
    np.testing.assert_allclose(results[-1], np.clip(outside, 0, 1), atol=0.02)


def test_a_flat_function_changes_nothing():
    start = np.full((2, 2), 0.5, np.float32)
    results = list(minimize(lambda x: (1.0, np.zeros_like(x)), start, 5))
    assert len(results) == 5
    np.testing.assert_array_equal(results[-1], start)
