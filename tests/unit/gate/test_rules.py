"""The gate lets through what is better beyond chance, and nothing else."""

import numpy as np
import pytest

from stylefuse.config import Gate
from stylefuse.evaluation.comparison import KID, PictureResults, compare
from stylefuse.gate.rules import for_best_of, gate

RULES = Gate(alpha=0.05, margin=0.02, resamples=400, split="validation")
INPUTS, EACH, WORKS, CROPS, SIZE = 24, 3, 14, 5, 12
FINE = {"validation": None, "serving": None}


class World:
    """Inputs and references of one kind; models paint them with errors of their own."""

    def __init__(self, seed):
        self.stream = np.random.default_rng(seed)
        self.inputs = self.draw_inputs()
        works = self.stream.normal(size=(WORKS, SIZE)).repeat(CROPS, axis=0)
        self.references = works + 0.4 * self.stream.normal(size=works.shape)

    def draw_inputs(self):
        return self.stream.normal(0.4, 1, (INPUTS, SIZE)).repeat(EACH, axis=0)

    def model(self, shift=0.0, structure=0.9, paired=True):
        """PictureResults of a model that shifts its outputs away from the references."""
        n = INPUTS * EACH
        inputs = self.inputs if paired else self.draw_inputs()
        features = inputs + shift + 0.5 * self.stream.normal(size=(n, SIZE))
        kept = structure + 0.02 * self.stream.normal(size=n)
        return PictureResults(
            KID, {"low_pass_ssim": kept}, np.repeat(np.arange(INPUTS), EACH), features,
            self.references, np.repeat(np.arange(WORKS), CROPS), paired,
        )  # fmt: skip


def verdict(champion, challenger, faults=FINE, rules=RULES):
    return gate(champion, challenger, faults, rules, seed=3)


def test_a_better_challenger_is_promoted_and_the_champion_in_its_place_refused():
    world = World(1)
    worse, better = world.model(shift=0.6), world.model(shift=-0.2)
    decision = verdict(worse, better)
    assert decision.promoted
    assert decision.verdict.startswith("promote: KID is better (gain +")
    refused = verdict(better, worse)
    assert not refused.promoted
    assert "KID is not better beyond noise" in refused.verdict


def test_an_equal_challenger_is_refused():
    same = World(2).model()
    assert not verdict(same, same).promoted


def test_lost_structure_refuses_a_better_one():
    world = World(3)
    champion, challenger = world.model(shift=0.6), world.model(shift=-0.2, structure=0.8)
    decision = verdict(champion, challenger)
    assert [check.name for check in decision.checks if not check.passed] == ["low-pass SSIM: kept"]
    assert "lost by more than 0.018" in decision.reasons


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("figure", ["features", "low_pass_ssim"])
def test_a_broken_figure_refuses(value, figure):
    world = World(4)
    champion, challenger = world.model(shift=0.6), world.model(shift=-0.2)
    array = challenger.features if figure == "features" else challenger.figures[figure]
    array[0] = value
    decision = verdict(champion, challenger)
    assert not decision.promoted
    assert f"the challenger's {figure} holds values that are no numbers" in decision.reasons


@pytest.mark.parametrize("name", FINE)
def test_any_fault_refuses_a_better_one_and_is_told(name):
    world = World(5)
    decision = verdict(world.model(0.6), world.model(-0.2), FINE | {name: "it answered 500"})
    assert decision.verdict == "refuse: it answered 500"
    assert f"| {name} | **no** | it answered 500 |" in decision.markdown()


def test_the_page_shows_both_models_and_the_interval():
    world = World(6)
    page = verdict(world.model(0.6), world.model(-0.2)).markdown()
    assert page.startswith("**Promoted**: KID is better")
    assert "| figure | champion | challenger | gain | interval, 95% |" in page
    assert "| KID |" in page and "| low-pass SSIM |" in page


@pytest.mark.parametrize("paired", [True, False])
def test_false_promotions_are_at_most_alpha(paired):
    """A thousand challengers that are no better; each has a world and errors of its own."""
    rules = RULES.model_copy(update={"resamples": 200, "margin": 0.1})
    passed = 0
    for seed in range(1000):
        world = World(100 + seed)
        passed += verdict(
            world.model(paired=paired), world.model(paired=paired), rules=rules
        ).promoted
    assert passed <= 1000 * rules.alpha
    assert passed > 0  # a gate that lets nothing through would pass this test too


def test_the_best_of_several_passes_by_luck_no_more_often_than_one():
    """The best of eight that are no better, chosen on the pictures that decide about it."""
    one, passed = RULES.model_copy(update={"resamples": 100, "margin": 0.1}), {1: 0, 8: 0}
    for seed in range(200):
        world = World(5000 + seed)
        variants = [world.model() for _ in range(8)]
        best = max(variants, key=lambda results: compare(results, results, 0.5, 1, 0)[KID].champion)
        champion = world.model()
        for tried in passed:
            rules = for_best_of(one, tried)
            passed[tried] += verdict(champion, best, rules=rules).promoted
    assert passed[8] <= 200 * one.alpha
    assert passed[1] > 200 * one.alpha  # what the same gate would do if it were not told
