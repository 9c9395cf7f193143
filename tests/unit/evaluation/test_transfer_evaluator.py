"""The transfer evaluator ranks the baselines as they must rank."""

from types import SimpleNamespace

import pytest

from stylefuse.evaluation.baselines.colour_matching import match_colours
from stylefuse.evaluation.evaluators import fusion, transfer
from tests.unit.evaluation.conftest import EVALUATE, check_result


def test_baselines_have_known_metrics(make_context, monkeypatch):
    stand_in = SimpleNamespace(stylize=match_colours)
    monkeypatch.setattr(transfer, "ArbitraryStylisation", lambda: stand_in)
    monkeypatch.setattr(fusion, "MAX_PAIRS", 2)
    context = make_context("transfer")
    result, page = transfer.evaluate(context)
    grids = ("styles.png", "methods.png", "fusion.png", "modes.png")
    check_result(result, context.sample_grids, *grids)
    identity, matched = (result["methods"][n] for n in ("unstyled photograph", "colour matching"))
    assert identity["low_pass_ssim"] == identity["ssim"] == pytest.approx(1)
    assert identity["style_ratio"] == pytest.approx(1)
    assert matched["style_ratio"] < 0.2  # the stand-in network sees only colours
    ratio = matched["kid"] / identity["kid"]
    assert result["published_network_kid_ratio"] == pytest.approx(ratio)
    assert result["pairs"] == EVALUATE["photographs"] * EVALUATE["styles_per_photograph"]
    assert result["fusion"]["max_difference"] <= 1
    change = "lower" if ratio < 1 else "higher"
    assert f"{100 * abs(1 - ratio):.0f} % {change} than the unstyled photograph's" in page.summary
