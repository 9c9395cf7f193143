"""The restore evaluator ranks an untrained network last and an oracle first."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from stylefuse.evaluation.evaluators import restore
from stylefuse.models.restore.degradation import KINDS
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


def test_picture_results_average_to_the_metrics(make_context):
    context = make_context("restore")
    result, _ = restore.evaluate(context)
    picture_results = restore.picture_results(context)
    for metric in ("psnr", "ssim"):
        mean = result["methods"]["stylefuse"][metric]
        assert picture_results.metrics[metric].mean() == pytest.approx(mean)


def luma(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).convert("L"), float)
