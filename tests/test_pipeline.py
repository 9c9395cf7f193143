"""The whole graph as a user runs it: `dvc repro` and `stylefuse register` in a copy of the tree."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from PIL import Image

from tests.training.filters import FILTERS, crops, photograph, tone

ROOT = Path(__file__).parents[1]
TREE = ("src", "data/curated", ".dvc/config", "dvc.yaml", "params.yaml", ".dvcignore", ".gitignore")

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

TINY = {
    "prepare": {"side": 64, "tiles_per_picture": 1},
    "train": {"crop": 32, "batch": 4, "kimg": 0.04, "width": 4, "blocks": 1, "code": 8,
              "discriminator_width": 4, "tick_kimg": 0.008, "sample_kimg": 0.02},
}  # fmt: skip


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A git repository like a clone, with two small folders of pictures as its sources."""
    root = tmp_path_factory.mktemp("project")
    for name in TREE:
        source, target = ROOT / name, root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    taken = [photograph(name) for name in ("astronaut", "coffee", "chelsea", "rocket")]
    photographs = [crop for p in taken for crop in crops(p, 200, count=4, seed=1)]
    paintings = [
        crop for p in taken for f in FILTERS.values() for crop in crops(f(tone(p)), 200, 2, seed=2)
    ]
    for folder, pictures in (("photos", photographs), ("art", paintings)):
        (root / "own" / folder).mkdir(parents=True)
        for i, picture in enumerate(pictures):
            Image.fromarray(picture).save(root / f"own/{folder}/{i:02d}.png")
    params = yaml.safe_load((root / "params.yaml").read_text())
    train = params["profiles"]["cpu"]["train"]
    params |= {"profile": "tiny", "profiles": {"tiny": {**TINY, "train": train | TINY["train"]}}}
    params["data"]["sources"] = [
        {"name": "photos", "domain": "photograph", "kind": "folder", "path": "own/photos"},
        {"name": "art", "domain": "painting", "kind": "folder", "path": "own/art"},
    ]
    params["data"]["near_duplicate_bits"] = 2
    params["evaluate"] |= {"size": 64, "photographs": 3, "reference_crops": 4, "kid_subset": 8}
    params["validation"] |= {"min_pictures": 8, "min_test_pictures": 2}
    (root / "params.yaml").write_text(yaml.safe_dump(params))
    who = "-c user.name=tester -c user.email=tester@example.org"
    for command in ("init -q", "add -A", f"{who} commit -qm clone"):
        subprocess.run(["git", *command.split()], cwd=root, check=True)
    return root


@pytest.fixture(scope="module")
def run(project, tmp_path_factory):
    spy = tmp_path_factory.mktemp("spy")
    (spy / "sitecustomize.py").write_text(SPY)
    mine = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment = mine | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": f"{spy}:{project / 'src'}",
        "SPY_LOG": str(spy / "log"),
        "STYLEFUSE_CACHE": os.environ.get("STYLEFUSE_CACHE", str(ROOT / ".cache/downloads")),
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "PYTHONDONTWRITEBYTECODE": "",  # compiled files must not make a stage look changed
    }

    def run(*command, succeeds=True):
        done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
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


def test_the_graph_runs_without_the_network_after_ingest(finished):
    assert not finished.spied.exists(), finished.spied.read_text()


def test_every_product_is_there(finished, project):
    lock = yaml.safe_load((project / "dvc.lock").read_text())
    assert list(lock["stages"]) == ["ingest", "validate", "prepare", "train", "evaluate"]
    for out in ("data/ATTRIBUTION.md", "reports/validation.html", "reports/transfer.html",
                "reports/sheets/transfer.png", "models/transfer/generator.weights.h5"):  # fmt: skip
        assert (project / out).stat().st_size > 0
    result = json.loads((project / "reports/metrics/transfer.json").read_text())
    methods = result["methods"]
    assert methods["doing nothing"]["low_pass_ssim"] == pytest.approx(1)
    assert methods["doing nothing"]["style_ratio"] == pytest.approx(1)
    assert set(methods) == {"doing nothing", "matching colours", "published network", "stylefuse"}


def test_a_second_run_does_nothing(finished, project):
    assert list((project / "src/stylefuse/models").rglob("*.pyc"))
    again = finished("dvc", "repro")
    assert "Running stage" not in again.stdout
    assert "up to date" in again.stdout


def test_curves_are_plots_and_figures_are_metrics(finished):
    metrics = json.loads(finished("dvc", "metrics", "show", "--json").stdout)
    shown = metrics[""]["data"]["reports/metrics/transfer.json"]["data"]
    assert shown["methods"]["stylefuse"]["kid"] is not None
    curves = finished("dvc", "plots", "show", "--show-vega", "losses").stdout
    assert "adversarial" in curves


def test_registering_twice_makes_one_version(finished, project):
    from mlflow import MlflowClient

    for _ in range(2):
        finished("stylefuse", "register")
    client = MlflowClient(f"sqlite:///{project}/mlflow/mlflow.db")
    (version,) = client.search_model_versions("name='stylefuse-transfer'")
    model = client.get_registered_model("stylefuse-transfer")
    assert model.aliases == {"champion": version.version, "challenger": version.version}
    assert any("git" in tag for tag in version.tags)
    steps = client.get_metric_history(version.run_id, "reconstruction")
    assert [metric.step for metric in steps] == [8, 16, 24, 32, 40]


def test_a_photograph_painted_by_the_champion(finished, project):
    finished("stylefuse", "transfer", "own/photos/00.png", "--style", "own/art/01.png",
             "-o", "out.png")  # fmt: skip
    with Image.open(project / "out.png") as painted:
        assert painted.size == (200, 200)


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
