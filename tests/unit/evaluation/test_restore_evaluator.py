"""The restore evaluator ranks an untrained network last and an oracle first."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from stylefuse.evaluation.evaluators import restore
from stylefuse.evaluation.evaluators.restore import KINDS
from stylefuse.evaluation.evaluators.restore_cases import CASES, CLEAN, GREY, mean_interval
from tests.unit.evaluation.conftest import check_result


def test_an_untrained_network_restores_nothing_and_an_oracle_everything(make_context):
    context = make_context("restore")
    result, _ = restore.evaluate(context)
    check_result(result, context.sample_grids, "kinds.png")
    assert list(result["per_kind"]) == list(KINDS)
    best = [
        max(row["psnr"] for name, row in rows.items() if name not in ("degraded", "stylefuse"))
        for rows in result["per_kind"].values()
    ]
    assert result["methods"]["best classical"]["psnr"] == pytest.approx(np.mean(best))
    assert result["first_in_both"] == 0

    clean = [np.asarray(Image.open(path)) for path in sorted(Path().glob("photograph-test-*"))]
    shapes = np.stack([(x - x.mean()).ravel() / x.std() for x in map(luma, clean)])

    def most_similar_original(degraded: np.ndarray) -> np.ndarray:
        light = luma(degraded)
        return clean[int((shapes @ (light - light.mean()).ravel()).argmax())]

    vars(context)["predictor"] = SimpleNamespace(render=most_similar_original)
    oracle, page = restore.evaluate(context)
    assert oracle["first_in_both"] == len(KINDS)
    assert oracle["methods"]["stylefuse"]["ssim"] == pytest.approx(1)
    assert oracle["methods"]["degraded"] == result["methods"]["degraded"]
    assert len(page.sections["By kind"]) == len(KINDS)


def test_every_case_is_measured(make_context):
    context = make_context("restore")
    vars(context)["predictor"] = SimpleNamespace(render=lambda picture: picture)
    result, page = restore.evaluate(context)
    cases = result["cases"]
    assert list(cases) == list(CASES)
    for row in cases.values():
        assert row["gain"] == row["gain_low"] == row["gain_high"] == 0
        assert row["psnr"] == row["degraded"]
    assert cases[CLEAN]["unchanged"] == cases[GREY]["unchanged"] == 1
    assert cases[GREY]["chroma"] == 0
    blocks = cases["JPEG quality 10"]
    assert blocks["blocks"] == blocks["blocks_degraded"] > blocks["blocks_original"]
    assert cases["4 kinds"]["degraded"] < cases["2 kinds"]["degraded"]
    assert "Mixtures and other cases" in page.sections


def test_an_interval_holds_the_mean_and_narrows_with_more_photographs():
    values = np.random.default_rng(0).normal(1, 2, 400)
    few, many = mean_interval(values[:25], 0), mean_interval(values, 0)
    assert many[0] < values.mean() < many[1]
    assert many[1] - many[0] == pytest.approx(2 * 1.96 * 2 / 20, rel=0.2)
    assert few[1] - few[0] > 2.5 * (many[1] - many[0])


def test_picture_results_average_to_the_metrics(make_context):
    context = make_context("restore")
    result, _ = restore.evaluate(context)
    picture_results = restore.picture_results(context)
    for metric in ("psnr", "ssim"):
        mean = result["methods"]["stylefuse"][metric]
        assert picture_results.metrics[metric].mean() == pytest.approx(mean)


def luma(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).convert("L"), float)
