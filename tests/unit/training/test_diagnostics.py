"""Alarms: each sign on its own, and only when it stays."""

import pytest

from stylefuse.training.diagnostics import REMEDIES, TICKS, alarms

HEALTHY = {
    "accuracy_real": 0.8, "accuracy_fake": 0.9, "accuracy_held_out": 0.6, "variety": 0.8,
}  # fmt: skip
ILL = {
    "discriminator wins": {"accuracy_real": 0.99, "accuracy_fake": 1.0, "accuracy_held_out": 0.99},
    "discriminator knows its pictures by heart": {"accuracy_real": 0.95, "accuracy_held_out": 0.4},
    "generator collapses": {"variety": 0.02},
}


def test_a_healthy_run_raises_none():
    assert alarms([]) == []
    assert alarms([HEALTHY] * 9) == []
    sure_of_one_side = HEALTHY | {"accuracy_fake": 1.0}
    assert alarms([sure_of_one_side] * 9) == []


@pytest.mark.parametrize("name", ILL)
def test_each_sign_is_told_when_it_stays(name):
    ill = HEALTHY | ILL[name]
    assert alarms([ill] * (TICKS - 1)) == []
    assert alarms([ill] * TICKS) == [name]
    assert alarms([HEALTHY] * 9 + [ill] * TICKS) == [name]
    assert alarms([ill] * 9 + [HEALTHY] + [ill] * (TICKS - 1)) == []


def test_several_signs_are_all_told_and_each_has_a_remedy():
    everything = HEALTHY | ILL["discriminator wins"] | ILL["generator collapses"]
    assert alarms([everything] * TICKS) == ["discriminator wins", "generator collapses"]
    assert set(ILL) == set(REMEDIES)


def test_a_model_that_reports_no_variety_has_none_to_lose():
    silent = {name: value for name, value in HEALTHY.items() if name != "variety"}
    assert alarms([silent] * TICKS) == []
