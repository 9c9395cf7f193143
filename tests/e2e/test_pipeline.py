"""The whole graph as a user runs it: `dvc repro` and `stylefuse` in a copy of the tree."""

import json
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from PIL import Image

from tests.support.clone import MODELS, ROOT, commit_all, environment, make_clone
from tests.support.models import make_model

# Every Python process under this folder on its path notes each address that it connects to.
SPY = """
import os, socket
connect = socket.socket.connect
def noting(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith("127."):
        with open(os.environ["SPY_LOG"], "a") as file:
            file.write(f"{address}\\n")
    return connect(self, address)
socket.socket.connect = noting
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return make_clone(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="module")
def run(project, tmp_path_factory):
    spy = tmp_path_factory.mktemp("spy")
    (spy / "sitecustomize.py").write_text(SPY)
    spying = environment(project, spy) | {"SPY_LOG": str(spy / "log")}

    def run(*command, succeeds=True):
        done = subprocess.run(command, cwd=project, env=spying, capture_output=True, text=True)
        if succeeds:
            assert done.returncode == 0, done.stdout + done.stderr
        return done

    run.spied = spy / "log"
    return run


@pytest.fixture(scope="module")
def finished(run):
    run("dvc", "repro", "ingest")
    run.spied.unlink(missing_ok=True)
    run("dvc", "repro")
    return run


def figures(project, model):
    return json.loads((project / f"reports/metrics/{model}.json").read_text())["methods"]


def test_the_graph_runs_without_the_network_after_ingest(finished):
    assert not finished.spied.exists(), finished.spied.read_text()


def test_every_product_is_there(finished, project):
    lock = yaml.safe_load((project / "dvc.lock").read_text())
    by_model = [f"{stage}@{model}" for stage in ("train", "evaluate") for model in MODELS]
    assert set(lock["stages"]) == {"ingest", "validate", "prepare", *by_model}
    for path in ("data/ATTRIBUTION.md", "reports/validation.html"):
        assert (project / path).stat().st_size > 0
    for model in MODELS:
        for path in (f"models/{model}/generator.weights.h5", f"reports/{model}.html",
                     f"reports/train/{model}/curves.csv"):  # fmt: skip
            assert (project / path).stat().st_size > 0
        for folder in (f"reports/sample_grids/{model}", f"reports/train/{model}/samples"):
            assert list((project / folder).glob("*.png"))
        assert len(figures(project, model)) > 1
        assert "stylefuse" in figures(project, model)
    unstyled = figures(project, "transfer")["unstyled photograph"]
    assert unstyled["low_pass_ssim"] == pytest.approx(1)
    assert unstyled["style_ratio"] == pytest.approx(1)


def test_a_second_run_does_nothing(finished, project):
    assert list((project / "src/stylefuse/models").rglob("*.pyc"))
    again = finished("dvc", "repro")
    assert "Running stage" not in again.stdout
    assert "up to date" in again.stdout


def test_curves_are_plots_and_figures_are_metrics(finished):
    metrics = json.loads(finished("dvc", "metrics", "show", "--json").stdout)
    for model in MODELS:
        shown = metrics[""]["data"][f"reports/metrics/{model}.json"]["data"]
        assert shown["methods"]["stylefuse"]
    curves = finished("dvc", "plots", "show", "--show-vega", "losses")
    assert "adversarial" in curves.stdout


def test_registering_twice_makes_one_version_of_each_model(finished, project):
    from mlflow import MlflowClient

    for _ in range(2):
        finished("stylefuse", "register")
    client = MlflowClient(f"sqlite:///{project}/mlflow/mlflow.db")
    for model in MODELS:
        (version,) = client.search_model_versions(f"name='stylefuse-{model}'")
        aliases = client.get_registered_model(version.name).aliases
        assert aliases == {"champion": version.version, "challenger": version.version}
        assert any("git" in tag for tag in version.tags)
        steps = client.get_metric_history(version.run_id, "adversarial")
        assert [metric.step for metric in steps] == [12, 20]


def stages_run(done):
    return re.findall(r"Running stage '(.*)'", done.stderr)


def test_someone_else_makes_it_again_from_a_remote(finished, project, tmp_path):
    """In a clone with an empty cache; the remote's address is relative to the clone's settings."""
    finished("stylefuse", "register", "restore")
    remote = ("dvc", "remote", "add", "--local", "--default", "store", str(tmp_path / "store"))
    finished(*remote)
    finished("dvc", "push")
    other = tmp_path / "other"
    finished("git", "clone", "--quiet", str(project), str(other))

    def there(*command):
        store = f"sqlite:///{project}/mlflow/mlflow.db"
        where = {**environment(other), "MLFLOW_TRACKING_URI": store}
        return subprocess.run(command, cwd=other, env=where, capture_output=True, text=True)

    verified = there("stylefuse", "verify", "stylefuse-restore@champion")
    assert "version 1: as it was signed by ed25519:" in verified.stdout, verified.stderr
    assert "whom nobody here calls trusted" in verified.stdout
    there(*remote[:-1], "../store")
    again = there("stylefuse", "reproduce", "stylefuse-restore@champion")
    assert re.fullmatch(
        r"stylefuse-restore version 1: identical, trained again in \d+ s\n", again.stdout
    ), again.stdout + again.stderr
    assert stages_run(again) == ["train@restore"]
    assert there("git", "worktree", "list").stdout.count("\n") == 1


def test_what_differs_is_told(finished):
    finished("stylefuse", "register", "restore")
    jax = ("env", "KERAS_BACKEND=jax", "stylefuse", "reproduce", "stylefuse-restore@champion")
    again = finished(*jax, succeeds=False)
    assert again.returncode == 1
    cause = "environment: backend was tensorflow, is jax"
    assert f"note: {cause}\n" in again.stderr
    found = re.search(f"not identical: {cause}. Its pictures differ by ([\\d.]+) of", again.stdout)
    assert found, again.stdout + again.stderr
    assert float(found[1]) < 30  # it was trained, to something near


def test_weights_that_no_training_made_are_found(finished, project):
    """Another model's weights in the place of the trained ones, from the same clean commit."""
    folder = project / "models/restore"
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    make_model(folder, "restore")
    judged = project / "reports/metrics/restore.json"
    figures = judged.read_bytes()
    judged.unlink()
    finished("stylefuse", "register", "restore")
    judged.write_bytes(figures)
    for path, content in kept.items():
        path.write_bytes(content)
    again = finished("stylefuse", "reproduce", "models:/stylefuse-restore/2", succeeds=False)
    assert again.returncode == 1
    found = re.search(r"version 2: not identical: .*differ by ([\d.]+) of 255", again.stdout)
    assert found, again.stdout + again.stderr
    assert float(found[1]) > 1
    finished("stylefuse", "register", "restore")


@pytest.mark.parametrize(
    ("version", "complaint"),
    [
        ("stylefuse-restore/99", "there is no version stylefuse-restore/99"),
        ("restore@nobody", "there is no version restore@nobody"),
        ("stylefuse-nobody@champion", "names none of this project's models"),
    ],
)
def test_a_version_that_is_not_there_cannot_be_made_again(finished, version, complaint):
    refused = finished("stylefuse", "reproduce", version, succeeds=False)
    assert refused.returncode == 2
    (line,) = refused.stderr.splitlines()
    assert complaint in line


@pytest.mark.parametrize(
    ("command", "painted", "size"),
    [
        ("transfer own/photos/00.png --style own/art/01.png -o out.png", "out.png", 200),
        ("fuse own/photos/00.png own/art/01.png --style-by-region -o one.png", "one.png", 200),
        ("restore own/photos/00.png -o mended.png", "mended.png", 200),
        ("portrait --seed 7 -o people", "people/portrait-00000007.png", 64),
    ],
)
def test_the_champions_paint(finished, project, command, painted, size):
    finished("stylefuse", *command.split())
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


def test_a_fourth_model_is_one_file_and_one_entry(finished, project):
    """It is trained, judged, registered and served, and nothing else is made again."""
    package = project / "src/stylefuse/models/sketch"
    package.mkdir()
    shutil.copy(ROOT / "tests/support/sketch_model.py", package / "__init__.py")
    params = yaml.safe_load((project / "params.yaml").read_text())
    common = params["models"]["restore"]["tiny"]
    own = {"blocks", "code", "adversarial"}  # settings of the other model alone
    settings = {name: value for name, value in common.items() if name not in own}
    params["models"]["sketch"] = {"tiny": settings | {"likeness": 1}}
    (project / "params.yaml").write_text(yaml.safe_dump(params))

    made = finished("dvc", "repro").stdout
    assert re.findall(r"Running stage '(.*)'", made) == ["train@sketch", "evaluate@sketch"]
    assert {"stylefuse", "unchanged input"} == set(figures(project, "sketch"))
    refused = finished("stylefuse", "register", "sketch", succeeds=False)
    assert "commit, and register then" in refused.stderr
    commit_all(project)
    assert "registered as stylefuse-sketch version 1 (challenger, champion)" in finished(
        "stylefuse", "register", "sketch"
    ).stdout  # fmt: skip
    finished(sys.executable, "-c", SCORE)


def test_a_bad_picture_stops_the_graph_and_is_named(finished, project):
    bad = project / "own/photos/broken.png"
    bad.write_bytes(b"no picture at all")
    try:
        stopped = finished("dvc", "repro", "--force", "validate", succeeds=False)
    finally:
        bad.unlink()
    assert stopped.returncode != 0
    assert "broken.png" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert "broken.png" in (project / "reports/validation.html").read_text()


def test_a_wrong_key_is_one_message(finished, project):
    params = project / "params.yaml"
    good = params.read_text()
    params.write_text(good.replace("seed:", "sead:", 1))
    try:
        stopped = finished("stylefuse", "register", succeeds=False)
    finally:
        params.write_text(good)
    assert stopped.returncode == 2
    assert "sead: no such key" in stopped.stderr
    assert "Traceback" not in stopped.stderr
