"""Every judge on a tiny project: it ranks what has a known rank, and says the same twice."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from stylefuse.config import Train
from stylefuse.errors import UserError
from stylefuse.evaluation import evaluate
from stylefuse.evaluation.baselines.style_transfer import match_colours
from stylefuse.evaluation.context import EvaluationContext
from stylefuse.evaluation.evaluators import default, fusion, portrait, restore, transfer
from stylefuse.evaluation.metric_labels import FIGURES
from stylefuse.images.arrays import to_float
from stylefuse.inference.options import Options
from stylefuse.models.restore.degradation import KINDS
from tests.unit.evaluation.conftest import SETTINGS, scenes
from tests.unit.test_config import SHIPPED

CURVES = [
    {"kimg": k, "discriminator_loss": 1.3, "accuracy_real": 0.5 + k / 20, "accuracy_fake": 0.6,
     "adversarial": 0.7, "variety": 0.9, "accuracy_held_out": 0.4, "augment": 0.1 * k}
    for k in range(1, 6)
]  # fmt: skip


def check(result: dict, sample_grids: Path, *names: str) -> None:
    """What every judge promises: figures that pages know, finite ones, and sheets."""
    for row in result["methods"].values():
        assert row.keys() - {"kid_deviation"} <= FIGURES.keys()
        assert np.isfinite(list(row.values())).all()
    for name in names:
        with Image.open(sample_grids / name) as sample_grid:
            assert min(sample_grid.size) > 100
    json.dumps(evaluate.rounded(result), allow_nan=False)


# --- transfer ---


def test_transfer_is_judged_beside_other_ways(make_context, monkeypatch):
    peer = SimpleNamespace(stylize=match_colours)
    monkeypatch.setattr(transfer, "ArbitraryStylisation", lambda folder: peer)
    monkeypatch.setattr(fusion, "COUPLES", 2)
    context = make_context("transfer")
    result, _ = transfer.judge(context)
    check(result, context.sample_grids, "styles.png", "methods.png", "fusion.png", "modes.png")
    nothing, matched = (result["methods"][n] for n in ("doing nothing", "matching colours"))
    assert nothing["low_pass_ssim"] == nothing["ssim"] == pytest.approx(1)
    assert nothing["style_ratio"] == pytest.approx(1)
    assert matched["style_ratio"] < 0.2  # the network of this test sees nothing but colours
    assert result["peer_kid_beside_doing_nothing"] == pytest.approx(matched["kid"] / nothing["kid"])
    assert result["pairs"] == SETTINGS["photographs"] * SETTINGS["styles_per_photograph"]
    assert result["fusion"]["largest_difference"] <= 1


# --- restoration ---


def test_an_untrained_network_restores_nothing_and_an_oracle_everything(make_context):
    context = make_context("restore")
    result, _ = restore.judge(context)
    check(result, context.sample_grids, "kinds.png")
    assert list(result["per_kind"]) == list(KINDS)
    best = [
        max(row["psnr"] for name, row in rows.items() if name not in ("damaged", "stylefuse"))
        for rows in result["per_kind"].values()
    ]
    assert result["methods"]["best classical"]["psnr"] == pytest.approx(np.mean(best))
    assert result["first_in_both"] == 0

    clean = [np.asarray(Image.open(path)) for path in sorted(Path().glob("photograph-test-*"))]
    shapes = np.stack([(x - x.mean()).ravel() / x.std() for x in map(_light, clean)])

    def remember(degraded: np.ndarray) -> np.ndarray:
        light = _light(degraded)
        return clean[int((shapes @ (light - light.mean()).ravel()).argmax())]

    vars(context)["artist"] = SimpleNamespace(render=remember)
    again, page = restore.judge(context)
    assert again["first_in_both"] == len(KINDS)
    assert again["methods"]["stylefuse"]["ssim"] == pytest.approx(1)
    assert again["methods"]["damaged"] == result["methods"]["damaged"]
    assert len(page.sections["Kind by kind"]) == len(KINDS)


def _light(picture: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(picture).convert("L"), float)


# --- portraits ---


class Copyist:
    """A generator that gives training portraits back, mirrored."""

    latent = 8

    def __init__(self, faces: np.ndarray):
        self.faces = to_float(faces[:, :, ::-1])

    def __call__(self, latents):
        return np.resize(self.faces, (latents.shape[0], *self.faces.shape[1:]))


def test_copies_are_told_from_new_portraits(make_context):
    context = make_context("portrait")
    result, _ = portrait.judge(context)
    check(result, context.sample_grids, "samples.png", "neighbours.png", "blends.png")
    training, ours = (result["methods"][name] for name in ("training pictures", "stylefuse"))
    assert training["nearest"] == training["nearest_pixels"] == 0
    assert ours["nearest"] > 0.5

    faces = np.asarray(context.tiles("portrait", "train"))
    copying = EvaluationContext(
        context.params, context.task, Copyist(faces), context.network, context.sample_grids
    )
    copied = portrait.judge(copying)[0]["methods"]["stylefuse"]
    assert copied["nearest"] == copied["nearest_pixels"] == 0
    assert copied["variety"] == pytest.approx(training["variety"], rel=0.2)


# --- a model without a judge of its own ---


class ToySettings(Train):
    domains: ClassVar = ("photograph", "painting")


class Toy:
    """Turns light and dark around, or paints what a seed says."""

    name, options = "toy", Options

    def __init__(self, inputs):
        self.inputs = inputs

    def predictor(self, generator, max_side):
        return self

    def paint(self, inputs, options):
        if "seed" in inputs:
            return Image.fromarray(scenes(1, inputs["seed"])[0])
        (picture,) = inputs.values()
        return Image.fromarray(255 - np.asarray(picture))


@pytest.fixture
def toy_bench(make_context):
    def make(inputs):
        context = make_context("restore")
        common = {key: getattr(context.train, key) for key in Train.model_fields}
        models = {"toy": {context.params.profile: ToySettings(**common)}}
        params = context.params.model_copy(update={"models": models})
        return EvaluationContext(params, Toy(inputs), None, context.network, context.sample_grids)

    return make


def test_a_model_that_nobody_knows_is_judged(toy_bench):
    context = toy_bench({"photo": Image.Image})
    assert evaluate.find_evaluator("toy") is default
    assert evaluate.find_evaluator("portrait") is portrait
    result, page = default.judge(context)
    check(result, context.sample_grids, "samples.png")
    assert result["methods"]["doing nothing"]["ssim"] == pytest.approx(1)
    assert result["methods"]["stylefuse"]["ssim"] < 0
    assert "painting" in page.verdict


def test_a_model_of_seeds_is_judged_beside_its_training_pictures(toy_bench):
    context = toy_bench({"seed": int})
    result, _ = default.judge(context)
    check(result, context.sample_grids, "samples.png")
    assert list(result["methods"]) == ["training pictures", "stylefuse"]
    assert result["painted"] == SETTINGS["portraits"]


def test_the_same_model_makes_the_same_files(toy_bench, project):
    written = []
    for _ in range(2):
        evaluate.evaluate(toy_bench({"photo": Image.Image}), CURVES, "a" * 64)
        paths = ("reports/metrics/toy.json", "reports/toy.html")
        written.append([(project / path).read_bytes() for path in paths])
    assert written[0] == written[1]
    result = json.loads(written[0][0])
    assert (result["model"], result["weights"]) == ("toy", "a" * 64)
    assert result["discriminator"]["accuracy_real"] == pytest.approx(0.75)  # of the last row alone


# --- what can be missing ---


def test_an_unknown_model_and_a_missing_run_are_told(project, monkeypatch):
    Path("params.yaml").write_text(SHIPPED.read_text())
    monkeypatch.setattr("sys.argv", ["evaluate", "nobody"])
    with pytest.raises(UserError, match="no model 'nobody'"):
        evaluate.main()
    with pytest.raises(UserError, match=r"curves\.csv is missing"):
        evaluate.read_curves(Path("reports/train/toy/curves.csv"))


# --- scores, by which two models are compared ---


@pytest.mark.parametrize("judge", [transfer, restore, portrait, default])
def test_scores_are_those_of_every_output(judge, make_context):
    name = "restore" if judge is default else judge.__name__.rsplit(".", 1)[1]
    context = make_context(name)
    found, again = judge.score(context), judge.score(context)
    assert found.figures
    for figure, values in found.figures.items():
        assert len(values) == len(found.groups)
        assert figure in FIGURES
        assert np.array_equal(values, again.figures[figure])
    if found.aim == "kid":
        assert len(found.features) == len(found.groups)
        assert len(found.references) == len(found.reference_groups)
    else:
        assert found.aim in found.figures


def test_scores_agree_with_what_is_judged(make_context):
    context = make_context("restore")
    judged, _ = restore.judge(context)
    found = restore.score(context)
    for figure in ("psnr", "ssim"):
        mean = judged["methods"]["stylefuse"][figure]
        assert found.figures[figure].mean() == pytest.approx(mean)
