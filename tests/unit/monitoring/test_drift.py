"""Drift: seldom where there is none, found where there is, silent about a handful of pictures."""

import numpy as np
import pytest

from stylefuse.config import load_params
from stylefuse.monitoring.drift import shifts
from tests.unit.test_config import SHIPPED

SETTINGS = load_params(SHIPPED).monitor
FIGURES = ("luminance", "contrast", "saturation", "warmth", "detail")


def world(stream, n, move=0.0):
    return {name: (stream.gamma(3, 20, n) + move).tolist() for name in FIGURES}


def any_drift(trained, sent, settings):
    return any(shift.drifted for shift in shifts(trained, sent, settings).values())


@pytest.mark.parametrize("sent", [50, 500])
def test_no_change_is_seldom_taken_for_one(sent):
    stream = np.random.default_rng(0)
    small = SETTINGS.model_copy(update={"alpha": 0.05, "distance": 0.0})  # the test alone
    alarms = [any_drift(world(stream, 250), world(stream, sent), small) for _ in range(1000)]
    assert 0.01 < np.mean(alarms) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 1000)


def test_a_change_that_matters_is_found():
    stream = np.random.default_rng(0)
    found = [any_drift(world(stream, 250), world(stream, 100, 25), SETTINGS) for _ in range(200)]
    assert np.mean(found) > 0.95


def test_a_change_too_small_to_matter_is_left():
    stream = np.random.default_rng(0)
    found = shifts(world(stream, 5000), world(stream, 5000, 4), SETTINGS)
    assert all(shift.p < SETTINGS.alpha / 5 and not shift.drifted for shift in found.values())


def test_a_handful_says_nothing():
    stream = np.random.default_rng(0)
    few = world(stream, SETTINGS.min_pictures - 1, 100)
    assert shifts(world(stream, 250), few, SETTINGS) == {}
    assert shifts(world(stream, 250), {}, SETTINGS) == {}
