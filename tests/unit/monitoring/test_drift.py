"""Drift detection: few false alarms, relevant changes detected, small samples ignored."""

import numpy as np
import pytest

from stylefuse.config import load_params
from stylefuse.images.statistics import STATISTICS
from stylefuse.monitoring.drift import detect_shifts
from tests.unit.test_config import SHIPPED

SETTINGS = load_params(SHIPPED).monitor


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def sample(rng, pictures, offset=0.0):
    """Statistics of some pictures."""
    return {name: (rng.gamma(3, 20, pictures) + offset).tolist() for name in STATISTICS}


def has_drift(training, requests, settings):
    return any(shift.drifted for shift in detect_shifts(training, requests, settings).values())


@pytest.mark.parametrize("pictures", [50, 500])
def test_false_alarms_are_at_most_alpha(pictures, rng):
    settings = SETTINGS.model_copy(update={"alpha": 0.05, "distance": 0.0})  # the test alone
    alarms = [has_drift(sample(rng, 250), sample(rng, pictures), settings) for _ in range(1000)]
    assert 0.01 < np.mean(alarms) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 1000)


def test_a_change_that_matters_is_detected(rng):
    alarms = [has_drift(sample(rng, 250), sample(rng, 100, 25), SETTINGS) for _ in range(200)]
    assert np.mean(alarms) > 0.95


def test_a_significant_change_too_small_to_matter_is_no_drift(rng):
    shifts = detect_shifts(sample(rng, 5000), sample(rng, 5000, 4), SETTINGS)
    assert all(s.p_value < SETTINGS.alpha / 5 and not s.drifted for s in shifts.values())


def test_too_few_pictures_give_no_result(rng):
    few = sample(rng, SETTINGS.min_pictures - 1, 100)
    assert detect_shifts(sample(rng, 250), few, SETTINGS) == {}
    assert detect_shifts(sample(rng, 250), {}, SETTINGS) == {}
