"""Minimisation of a function of an array (L-BFGS, Nocedal 1980, with the two-loop recursion)."""

from collections import deque
from collections.abc import Callable, Iterator

import numpy as np

HISTORY = 12  # of the last steps, from which the curvature is estimated
FIRST_STEP = 0.02  # the mean change of the first step, as nothing is known of the curvature
SHRINKING = 0.4  # of a step that made the value larger
SMALLEST_CURVATURE = 1e-12  # a step along which the gradient does not grow says nothing

Function = Callable[[np.ndarray], tuple[float, np.ndarray]]  # x → value, gradient


def minimize(function: Function, x: np.ndarray, evaluations: int) -> Iterator[np.ndarray]:
    """Minimise a function of an array of numbers from 0 to 1.

    Args:
        function: returns the value at an array, and the gradient of the array's shape.
        x: where the search starts, float32.
        evaluations: of the function.

    Yields:
        After each evaluation the best array so far.
    """
    value, gradient = function(x)
    yield x
    past: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=HISTORY)
    direction, length = _direction(x, gradient, past), 1.0
    for _ in range(evaluations - 1):
        trial = np.clip(x - length * direction, 0, 1)
        trial_value, trial_gradient = function(trial)
        if trial_value < value:
            step, change = trial - x, trial_gradient - gradient
            if np.vdot(step, change) > SMALLEST_CURVATURE:
                past.append((step, change))
            x, value, gradient = trial, trial_value, trial_gradient
            direction, length = _direction(x, gradient, past), 1.0
        else:
            length *= SHRINKING
        yield x


def _direction(
    x: np.ndarray, gradient: np.ndarray, past: deque[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """The gradient times the estimated inverse of the second derivatives, without those numbers
    that it would move beyond 0 or 1 (Bertsekas 1982)."""
    free = np.where(gradient > 0, x > 0, x < 1)
    gradient = gradient * free
    if not past:
        return gradient * (FIRST_STEP / max(float(np.abs(gradient).mean()), 1e-30))
    direction = gradient.copy()
    shares = []
    for step, change in reversed(past):
        share = np.vdot(step, direction) / np.vdot(step, change)
        shares.append(share)
        direction -= share * change
    step, change = past[-1]
    direction *= np.vdot(step, change) / np.vdot(change, change)
    for (step, change), share in zip(past, reversed(shares), strict=True):
        direction += (share - np.vdot(change, direction) / np.vdot(step, change)) * step
    return direction * free
