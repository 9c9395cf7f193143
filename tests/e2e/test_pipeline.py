"""The whole pipeline as a user runs it: `dvc repro` and `stylefuse` in a clone of the project.

The tests of this file run in order and change one clone.
"""

import functools
import json
import re
import shutil
import sys

import pytest
import yaml
from PIL import Image

from tests.support import clone
from tests.support.clone import (
    MODELS,
    ROOT,
    commit_all,
    connections_log,
    copy_finished_project,
    environment,
)
from tests.support.models import make_model

SHIPPED = [path.name for path in (ROOT / "models/base").iterdir() if path.is_dir()]


@pytest.fixture(scope="module")
def project(shared_folder, tmp_path_factory):
    """A clone whose pipeline has run."""
    return copy_finished_project(shared_folder, tmp_path_factory.mktemp("pipeline") / "project")


@pytest.fixture(scope="module")
def run(project):
    """A function that runs a command in the clone."""
    return functools.partial(clone.run, project)


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


def test_registering_twice_makes_one_version_of_each_trained_model(run, project):
    """Where weights come with the project, they are version 1 and the first champion."""
    from mlflow import MlflowClient

    for _ in range(2):
        run("stylefuse", "register")
    client = MlflowClient(f"sqlite:///{project}/mlflow/mlflow.db")
    for model in MODELS:
        name = f"stylefuse-{model}"
        newest = 2 if model in SHIPPED else 1
        assert len(client.search_model_versions(f"name='{name}'")) == newest
        aliases = client.get_registered_model(name).aliases
        assert aliases == {"champion": 1, "challenger": newest}
        version = client.get_model_version(name, str(newest))
        assert any("git" in tag for tag in version.tags)
        steps = client.get_metric_history(version.run_id, "adversarial")
        assert [metric.step for metric in steps] == [12, 20]


def test_the_gate_decides_between_shipped_and_trained_weights(run):
    """A training of 20 pictures is no match for the shipped weights; restoration has none."""
    decisions = run("stylefuse", "gate", "--promote").stdout
    for model in SHIPPED:
        assert re.search(rf"^stylefuse-{model} version 2\n\n\*\*Refused", decisions, re.MULTILINE)
    assert "stylefuse-restore version 1 is the champion" in decisions


def stages_run(process):
    return re.findall(r"Running stage '(.*)'", process.stderr)


def test_another_clone_reproduces_a_version_from_a_remote(run, project, tmp_path):
    """In a clone with an empty cache; the address of the remote is relative to that clone."""
    run("stylefuse", "register", "restore")
    remote = ("dvc", "remote", "add", "--local", "--default", "store", str(tmp_path / "store"))
    run(*remote)
    run("dvc", "push")
    other = tmp_path / "other"
    run("git", "clone", "--quiet", str(project), str(other))

    def there(*command):
        store = f"sqlite:///{project}/mlflow/mlflow.db"
        variables = {**environment(other), "MLFLOW_TRACKING_URI": store}
        return clone.run(other, *command, variables=variables, succeeds=False)

    verified = there("stylefuse", "verify", "stylefuse-restore@champion")
    assert "version 1: unchanged" in verified.stdout, verified.stderr
    assert "signed by ed25519:" in verified.stdout
    there(*remote[:-1], "../store")
    reproduced = there("stylefuse", "reproduce", "stylefuse-restore@champion")
    assert re.fullmatch(
        r"stylefuse-restore version 1: identical, trained again in \d+ s\n", reproduced.stdout
    ), reproduced.stdout + reproduced.stderr
    assert stages_run(reproduced) == ["train@restore"]
    assert there("git", "worktree", "list").stdout.count("\n") == 1


def test_a_difference_of_the_environment_is_reported(run):
    run("stylefuse", "register", "restore")
    jax = ("env", "KERAS_BACKEND=jax", "stylefuse", "reproduce", "stylefuse-restore@champion")
    process = run(*jax, succeeds=False)
    assert process.returncode == 1
    cause = "environment: backend was tensorflow, is jax"
    assert f"note: {cause}\n" in process.stderr
    match = re.search(r"not identical: (.*)\. The pictures differ by ([\d.]+) of", process.stdout)
    assert match, process.stdout + process.stderr
    assert cause in match[1]
    assert float(match[2]) < 30  # it was trained, with a similar result


def test_weights_that_no_training_made_are_detected(run, project):
    """Another model's weights in the place of the trained ones, from the same clean commit."""
    folder = project / "models/restore"
    contents = {path: path.read_bytes() for path in folder.iterdir()}
    make_model(folder, "restore")
    report = project / "reports/metrics/restore.json"
    metrics = report.read_bytes()
    report.unlink()
    run("stylefuse", "register", "restore")
    report.write_bytes(metrics)
    for path, content in contents.items():
        path.write_bytes(content)
    process = run("stylefuse", "reproduce", "models:/stylefuse-restore/2", succeeds=False)
    assert process.returncode == 1
    match = re.search(r"version 2: not identical: .*differ by ([\d.]+) of 255", process.stdout)
    assert match, process.stdout + process.stderr
    assert float(match[1]) > 1
    run("stylefuse", "register", "restore")


@pytest.mark.parametrize(
    "version", ["stylefuse-restore/99", "restore@nobody", "stylefuse-nobody@champion"]
)
def test_a_version_that_does_not_exist_cannot_be_reproduced(run, version):
    process = run("stylefuse", "reproduce", version, succeeds=False)
    assert process.returncode == 2
    (line,) = process.stderr.splitlines()
    assert "nobody" in line or version in line


@pytest.mark.parametrize(
    ("command", "painted", "size"),
    [
        ("transfer own/photos/00.png --style own/art/01.png -o out.png", "out.png", 200),
        ("fuse own/photos/00.png own/art/01.png --style-by-region -o one.png", "one.png", 200),
        ("restore own/photos/00.png -o restored.png", "restored.png", 200),
        ("portrait --seed 7 -o people", "people/portrait-00000007.png", 64),
    ],
)
def test_the_champions_paint(run, project, command, painted, size):
    run("stylefuse", *command.split())
    with Image.open(project / painted) as picture:
        assert picture.size == (size, size)


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


def test_a_fourth_model_is_one_file_and_one_entry(run, project):
    """It is trained, evaluated, registered and served, and no other stage runs."""
    package = project / "src/stylefuse/models/sketch"
    package.mkdir()
    shutil.copy(ROOT / "tests/support/sketch_model.py", package / "__init__.py")
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
