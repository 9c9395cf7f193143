"""The entry point of the evaluation: default evaluator, reproducible files, errors."""

import json
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from stylefuse.config import Train
from stylefuse.errors import UserError
from stylefuse.evaluation import evaluate
from stylefuse.evaluation.context import EvaluationContext
from stylefuse.evaluation.evaluators import default, portrait, restore, transfer
from stylefuse.evaluation.metric_labels import METRIC_LABELS
from stylefuse.inference.options import Options
from stylefuse.models.task import Task
from tests.unit.evaluation.conftest import EVALUATE, check_result, scenes
from tests.unit.test_config import SHIPPED

CURVES = [
    {"kimg": k, "discriminator_loss": 1.3, "accuracy_real": 0.5 + k / 20, "accuracy_fake": 0.6,
     "adversarial": 0.7, "variety": 0.9, "accuracy_held_out": 0.4, "augment": 0.1 * k}
    for k in range(1, 6)
]  # fmt: skip


class ToySettings(Train):
    domains: ClassVar = ("photograph", "painting")


class ToyTask(Task):
    """A model without an evaluator of its own."""

    name = "toy"


class ToyPredictor:
    """Inverts a picture, or paints one from a seed."""

    options = Options

    def __init__(self, inputs):
        self.inputs = inputs

    def paint(self, inputs, options):
        if "seed" in inputs:
            return Image.fromarray(scenes(1, inputs["seed"])[0])
        (picture,) = inputs.values()
        return Image.fromarray(255 - np.asarray(picture))


@pytest.fixture
def make_toy_context(make_context):
    def make(inputs):
        context = make_context("restore")
        settings = context.model_settings
        toy_settings = ToySettings(**{key: getattr(settings, key) for key in Train.model_fields})
        models = {"toy": {context.params.profile: toy_settings}}
        params = context.params.model_copy(update={"models": models})
        return EvaluationContext(
            params, ToyTask(), ToyPredictor(inputs), context.network, context.sample_grids
        )

    return make


def test_a_model_without_an_evaluator_gets_the_default_one(make_toy_context):
    context = make_toy_context({"photo": Image.Image})
    assert evaluate.find_evaluator("toy") is default
    assert evaluate.find_evaluator("portrait") is portrait
    result, page = default.evaluate(context)
    check_result(result, context.sample_grids, "samples.png")
    assert result["methods"]["unchanged input"]["ssim"] == pytest.approx(1)
    assert result["methods"]["stylefuse"]["ssim"] < 0
    assert "painting" in page.summary


def test_outputs_of_seeds_are_compared_with_training_pictures(make_toy_context):
    context = make_toy_context({"seed": int})
    result, _ = default.evaluate(context)
    check_result(result, context.sample_grids, "samples.png")
    assert list(result["methods"]) == ["training pictures", "stylefuse"]
    assert result["painted"] == EVALUATE["portraits"]


def test_the_same_model_gives_the_same_files(make_toy_context, project):
    versions = []
    for _ in range(2):
        evaluate.evaluate(make_toy_context({"photo": Image.Image}), CURVES, "a" * 64)
        paths = ("reports/metrics/toy.json", "reports/toy.html")
        versions.append([(project / path).read_bytes() for path in paths])
    assert versions[0] == versions[1]
    result = json.loads(versions[0][0])
    assert (result["model"], result["weights"]) == ("toy", "a" * 64)
    assert result["discriminator"]["accuracy_real"] == pytest.approx(0.75)  # the last row alone


def test_an_unknown_model_and_a_missing_training_are_user_errors(project, monkeypatch):
    Path("params.yaml").write_text(SHIPPED.read_text())
    monkeypatch.setattr("sys.argv", ["evaluate", "unknown"])
    with pytest.raises(UserError) as error:
        evaluate.main()
    assert error.value.code == "model-unknown"
    with pytest.raises(UserError, match="run `dvc repro`") as error:
        evaluate.read_curves(Path("reports/train/toy/curves.csv"))
    assert error.value.code == "curves-missing"


@pytest.mark.parametrize("evaluator", [transfer, restore, portrait, default])
def test_picture_results_cover_every_output_and_are_reproducible(evaluator, make_context):
    name = "restore" if evaluator is default else evaluator.__name__.rsplit(".", 1)[1]
    context = make_context(name)
    first, second = evaluator.picture_results(context), evaluator.picture_results(context)
    assert first.metrics
    for metric, values in first.metrics.items():
        assert len(values) == len(first.groups)
        assert metric in METRIC_LABELS
        assert np.array_equal(values, second.metrics[metric])
    if first.primary == "kid":
        assert len(first.features) == len(first.groups)
        assert len(first.references) == len(first.reference_groups)
    else:
        assert first.primary in first.metrics
