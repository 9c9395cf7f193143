"""Alarms: each sign on its own, only when it lasts, and at the thresholds that were measured."""

import pytest

from stylefuse.training.diagnostics import ADVICE, TICKS, alarms

HEALTHY = {
    "accuracy_real": 0.8, "accuracy_fake": 0.9, "accuracy_held_out": 0.6, "variety": 0.8,
}  # fmt: skip
SIGNS = {
    "discriminator wins": {"accuracy_real": 0.99, "accuracy_fake": 1.0, "accuracy_held_out": 0.99},
    "discriminator overfits": {"accuracy_real": 0.95, "accuracy_held_out": 0.4},
    "generator collapses": {"variety": 0.02},
}
# measured: ticks 36 to 39 of the runs in docs/measurements/stability.md
MEASURED = {
    "provoked": ([0.97, 0.94, 1.00, 0.98], [0.98, 0.97, 1.00, 0.99], [0.75, 0.69, 0.62, 0.56]),
    "gradient penalty": (
        [0.88, 0.94, 0.91, 0.92], [0.90, 0.89, 0.93, 0.90], [0.38, 0.69, 0.38, 0.62],
    ),
    "augmentation": ([0.84, 0.92, 0.93, 0.88], [0.86, 0.90, 0.89, 0.92], [0.94, 1.0, 1.0, 0.94]),
    "all remedies": ([0.68, 0.65, 0.74, 0.64], [0.58, 0.42, 0.68, 0.63], [0.69, 0.44, 0.31, 0.44]),
}  # fmt: skip


def test_a_healthy_run_raises_none():
    assert alarms([]) == []
    assert alarms([HEALTHY] * 9) == []
    accurate_on_one_side = HEALTHY | {"accuracy_fake": 1.0}
    assert alarms([accurate_on_one_side] * 9) == []


@pytest.mark.parametrize("name", SIGNS)
def test_each_sign_raises_its_alarm_when_it_lasts(name):
    ill = HEALTHY | SIGNS[name]
    assert alarms([ill] * (TICKS - 1)) == []
    assert alarms([ill] * TICKS) == [name]
    assert alarms([HEALTHY] * 9 + [ill] * TICKS) == [name]
    assert alarms([ill] * 9 + [HEALTHY] * TICKS) == []
    assert alarms([HEALTHY] * 9 + [ill]) == []


@pytest.mark.parametrize("run", MEASURED)
def test_only_the_run_that_the_discriminator_won_raises_the_alarm(run):
    names = "accuracy_real", "accuracy_fake", "accuracy_held_out"
    rows = [dict(zip(names, row, strict=True)) for row in zip(*MEASURED[run], strict=True)]
    assert ("discriminator wins" in alarms(rows)) == (run == "provoked")


def test_one_noisy_tick_does_not_hide_a_lasting_sign():
    won = HEALTHY | {"accuracy_real": 0.98, "accuracy_fake": 0.99, "accuracy_held_out": 0.9}
    assert alarms([won, won, won | {"accuracy_real": 0.94}, won]) == ["discriminator wins"]


def test_several_signs_raise_several_alarms_and_each_has_advice():
    everything = HEALTHY | SIGNS["discriminator wins"] | SIGNS["generator collapses"]
    assert alarms([everything] * TICKS) == ["discriminator wins", "generator collapses"]
    assert set(SIGNS) == set(ADVICE)


def test_a_model_that_reports_no_variety_cannot_lose_it():
    rows = [{name: value for name, value in HEALTHY.items() if name != "variety"}] * TICKS
    assert alarms(rows) == []
