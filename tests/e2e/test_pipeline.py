"""The whole pipeline as a user runs it: `dvc repro` and `stylefuse` in a clone of the project.

The tests of this file run in order and change one clone.
"""

import json
import re
import shutil
import sys

import pytest
import yaml

from tests.support.clone import (
    MODELS,
    ROOT,
    commit_all,
    connections_log,
)
from tests.support.sketch_model import PREDICTOR

SHIPPED = [path.name for path in (ROOT / "models/base").iterdir() if path.is_dir()]


def methods(project, model):
    """The metrics of each method, as evaluation reports them."""
    return json.loads((project / f"reports/metrics/{model}.json").read_text())["methods"]


def test_the_pipeline_runs_without_the_network_after_ingest(project, shared_folder):
    log = connections_log(shared_folder)
    assert not log.exists(), log.read_text()


def test_every_output_is_there(project):
    lock = yaml.safe_load((project / "dvc.lock").read_text())
    by_model = [f"{stage}@{model}" for stage in ("train", "evaluate") for model in MODELS]
    assert set(lock["stages"]) == {"ingest", "validate", "prepare", *by_model}
    for path in ("data/ATTRIBUTION.md", "reports/validation.html"):
        assert (project / path).stat().st_size > 0
    for model in MODELS:
        for path in (f"models/{model}/generator.weights.h5", f"reports/{model}.html",
                     f"reports/train/{model}/curves.csv",
                     f"reports/environments/{model}.json"):  # fmt: skip
            assert (project / path).stat().st_size > 0
        for folder in (f"reports/sample_grids/{model}", f"reports/train/{model}/samples"):
            assert list((project / folder).glob("*.png"))
        assert len(methods(project, model)) > 1
        assert "stylefuse" in methods(project, model)
    unstyled = methods(project, "transfer")["unstyled photograph"]
    assert unstyled["low_pass_ssim"] == pytest.approx(1)
    assert unstyled["style_ratio"] == pytest.approx(1)


def test_a_second_run_does_nothing(run, project):
    assert list((project / "src/stylefuse/models").rglob("*.pyc"))
    second = run("dvc", "repro")
    assert "Running stage" not in second.stdout
    assert "up to date" in second.stdout


def test_dvc_shows_metrics_and_plots(run):
    metrics = json.loads(run("dvc", "metrics", "show", "--json").stdout)
    for model in MODELS:
        shown = metrics[""]["data"][f"reports/metrics/{model}.json"]["data"]
        assert shown["methods"]["stylefuse"]
    curves = run("dvc", "plots", "show", "--show-vega", "losses")
    assert "adversarial" in curves.stdout


SCORE = """
import base64, io, sys
import mlflow, pandas as pd
from PIL import Image
mlflow.set_tracking_uri("sqlite:///mlflow/mlflow.db")
champion = mlflow.pyfunc.load_model("models:/stylefuse-sketch@champion")
with open("own/photos/00.png", "rb") as file:
    request = pd.DataFrame({"picture": [base64.b64encode(file.read()).decode()]})
answer = champion.predict(request).picture[0]
assert Image.open(io.BytesIO(base64.b64decode(answer))).size == (200, 200)
"""


def test_a_fourth_model_is_two_files_and_one_entry(run, project):
    """It is trained, evaluated, registered and served, and no other stage runs."""
    package = project / "src/stylefuse/models/sketch"
    package.mkdir()
    shutil.copy(ROOT / "tests/support/sketch_model.py", package / "__init__.py")
    (project / "src/stylefuse/inference/sketch.py").write_text(PREDICTOR)
    params = yaml.safe_load((project / "params.yaml").read_text())
    others = params["models"]["restore"]["tiny"]
    specific = {"blocks", "code", "adversarial"}  # settings of the model restore alone
    settings = {name: value for name, value in others.items() if name not in specific}
    params["models"]["sketch"] = {"tiny": settings | {"likeness": 1}}
    (project / "params.yaml").write_text(yaml.safe_dump(params))

    output = run("dvc", "repro").stdout
    assert re.findall(r"Running stage '(.*)'", output) == ["train@sketch", "evaluate@sketch"]
    assert {"stylefuse", "unchanged input"} == set(methods(project, "sketch"))
    refused = run("stylefuse", "register", "sketch", succeeds=False)
    assert "commit and register" in refused.stderr
    commit_all(project)
    assert "registered as stylefuse-sketch version 1 (challenger, champion)" in run(
        "stylefuse", "register", "sketch"
    ).stdout  # fmt: skip
    run(sys.executable, "-c", SCORE)


def test_a_bad_picture_stops_the_graph_and_is_named(run, project):
    bad = project / "own/photos/broken.png"
    bad.write_bytes(b"no picture at all")
    try:
        stopped = run("dvc", "repro", "--force", "validate", succeeds=False)
    finally:
        bad.unlink()
    assert stopped.returncode != 0
    assert "broken.png" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert "broken.png" in (project / "reports/validation.html").read_text()


def test_a_wrong_key_is_one_message(run, project):
    params = project / "params.yaml"
    good = params.read_text()
    params.write_text(good.replace("seed:", "sead:", 1))
    try:
        stopped = run("stylefuse", "register", succeeds=False)
    finally:
        params.write_text(good)
    assert stopped.returncode == 2
    assert "sead: no such key" in stopped.stderr
    assert "Traceback" not in stopped.stderr
