"""The gate promotes significantly better challengers, and no others."""

import json
from dataclasses import asdict

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from stylefuse.config import Gate
from stylefuse.evaluation.comparison import KID, PictureResults, compare
from stylefuse.gate.rules import Decision, apply_rules, correct_for_variants

RULES = Gate(alpha=0.05, margin=0.02, resamples=400, split="validation")
INPUTS, OUTPUTS_EACH, PAINTINGS, CROPS_EACH, SIZE = 24, 3, 14, 5, 12
NO_FAULTS = {"validation": None, "serving": None}


@pytest.fixture(autouse=True, scope="module")
def single_blas_thread():
    """Thousands of small matrix products: several threads would spend their time waiting."""
    with threadpool_limits(1):
        yield


class Simulation:
    """Random inputs and references, and models with random errors."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.inputs = self.draw_inputs()
        paintings = self.rng.normal(size=(PAINTINGS, SIZE)).repeat(CROPS_EACH, axis=0)
        self.references = paintings + 0.4 * self.rng.normal(size=paintings.shape)

    def draw_inputs(self):
        return self.rng.normal(0.4, 1, (INPUTS, SIZE)).repeat(OUTPUTS_EACH, axis=0)

    def model(self, shift=0.0, structure=0.9, paired=True):
        """Results of a model that shifts its outputs away from the references."""
        n = INPUTS * OUTPUTS_EACH
        inputs = self.inputs if paired else self.draw_inputs()
        features = inputs + shift + 0.5 * self.rng.normal(size=(n, SIZE))
        ssim = structure + 0.02 * self.rng.normal(size=n)
        return PictureResults(
            KID, {"low_pass_ssim": ssim}, np.repeat(np.arange(INPUTS), OUTPUTS_EACH), features,
            self.references, np.repeat(np.arange(PAINTINGS), CROPS_EACH), paired,
        )  # fmt: skip


def decide(champion, challenger, faults=NO_FAULTS, rules=RULES):
    return apply_rules(champion, challenger, faults, rules, seed=3)


def test_a_better_challenger_is_promoted_and_a_worse_one_refused():
    simulation = Simulation(1)
    worse, better = simulation.model(shift=0.6), simulation.model(shift=-0.2)
    decision = decide(worse, better)
    assert decision.promoted
    assert decision.verdict.startswith("promote: KID is better (gain +")
    refused = decide(better, worse)
    assert not refused.promoted
    assert "KID is not significantly better" in refused.verdict


def test_an_equal_challenger_is_refused():
    same = Simulation(2).model()
    assert not decide(same, same).promoted


def test_a_better_challenger_that_loses_structure_is_refused():
    simulation = Simulation(3)
    champion, challenger = simulation.model(shift=0.6), simulation.model(shift=-0.2, structure=0.8)
    decision = decide(champion, challenger)
    assert [check.name for check in decision.checks if not check.passed] == [
        "low-pass SSIM: preserved"
    ]
    assert "worse by more than 0.018" in decision.reasons


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("metric", ["features", "low_pass_ssim"])
def test_a_challenger_with_invalid_values_is_refused(value, metric):
    simulation = Simulation(4)
    champion, challenger = simulation.model(shift=0.6), simulation.model(shift=-0.2)
    array = challenger.features if metric == "features" else challenger.metrics[metric]
    array[0] = value
    decision = decide(champion, challenger)
    assert not decision.promoted
    assert f"the challenger's {metric} has missing, NaN or infinite values" in decision.reasons


@pytest.mark.parametrize("name", NO_FAULTS)
def test_a_better_challenger_with_any_fault_is_refused(name):
    simulation = Simulation(5)
    decision = decide(
        simulation.model(0.6), simulation.model(-0.2), NO_FAULTS | {name: "it answered 500"}
    )
    assert decision.verdict == "refuse: it answered 500"
    assert f"| {name} | **no** | it answered 500 |" in decision.markdown()


def test_the_page_has_both_models_and_the_interval():
    simulation = Simulation(6)
    page = decide(simulation.model(0.6), simulation.model(-0.2)).markdown()
    assert page.startswith("**Promoted**: KID is better")
    assert "| metric | champion | challenger | gain | interval, 95% |" in page
    assert "| KID |" in page and "| low-pass SSIM |" in page


@pytest.mark.parametrize("paired", [True, False])
def test_false_promotions_are_at_most_alpha(paired):
    """A thousand challengers that are no better, each in a simulation of its own."""
    rules = RULES.model_copy(update={"resamples": 200, "margin": 0.1})
    passed = 0
    for seed in range(1000):
        simulation = Simulation(100 + seed)
        passed += decide(
            simulation.model(paired=paired), simulation.model(paired=paired), rules=rules
        ).promoted
    assert passed <= 1000 * rules.alpha
    assert passed > 0  # a gate that refuses everything would pass the first assertion, too


def test_the_best_of_several_variants_is_promoted_by_luck_no_more_often_than_one():
    """The best of eight that are no better, chosen on the pictures that the gate uses."""
    single, passed = RULES.model_copy(update={"resamples": 100, "margin": 0.1}), {1: 0, 8: 0}
    for seed in range(200):
        simulation = Simulation(5000 + seed)
        variants = [simulation.model() for _ in range(8)]
        best = max(variants, key=lambda results: compare(results, results, 0.5, 1, 0)[KID].champion)
        champion = simulation.model()
        for variants_tried in passed:
            rules = correct_for_variants(single, variants_tried)
            passed[variants_tried] += decide(champion, best, rules=rules).promoted
    assert passed[8] <= 200 * single.alpha
    assert passed[1] > 200 * single.alpha  # without the correction


def test_a_decision_is_read_back_from_json_also_of_older_versions():
    simulation = Simulation(7)
    decision = decide(simulation.model(0.6), simulation.model(-0.2))
    text = json.dumps(asdict(decision))
    assert Decision.from_json(text) == decision
    assert Decision.from_json(text.replace('"message":', '"found":')) == decision
