"""From a followed training to a version in the registry, once for the same weights."""

import json
from pathlib import Path

import pytest
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.registry.fetch import champion_uri, default_model, model_files
from stylefuse.registry.register import register
from stylefuse.registry.store import RUN_TAG, WEIGHTS_TAG, open_store
from stylefuse.registry.tracker import MlflowTracker
from stylefuse.training import loop
from tests.registry.conftest import write_tiles
from tests.serving.tiny import make_model

NAME = "stylefuse-transfer"
LOCK = """\
schema: '2.0'
stages:
  prepare:
    cmd: python -m stylefuse.data.prepare
    outs:
    - {path: data/prepared, md5: aaaa.dir}
"""


@pytest.fixture(scope="module")
def trained(project, params):
    """A project whose model was trained, followed and judged."""
    write_tiles(project / "data/prepared")
    with MlflowTracker(params.registry) as tracker:
        loop.train("transfer", params, tracker)
    for folder in ("reports/metrics", "reports/sheets/transfer"):
        Path(folder).mkdir(parents=True)
    figures = {"kid": 0.1, "style_ratio": 0.5, "low_pass_ssim": 0.9, "patch_retrieval": 0.95}
    scores = {"methods": {"stylefuse": figures}, "features": "lite0", "passed": True}
    Path("reports/metrics/transfer.json").write_text(json.dumps(scores))
    Image.new("RGB", (8, 8)).save("reports/sheets/transfer/pairs.png")
    Path("reports/transfer.html").write_text("<p>judged</p>")
    Path("dvc.lock").write_text(LOCK)
    return project


@pytest.fixture(scope="module")
def first(trained, params):
    return register(params, "transfer")


@pytest.fixture(scope="module")
def client(first, params):
    return open_store(params.registry)


def test_the_first_version_is_champion_and_challenger(first, client):
    assert (first.version, first.created) == (1, True)
    assert first.aliases == ("challenger", "champion")
    assert str(first) == f"registered as {NAME} version 1 (challenger, champion)"


def test_the_same_weights_are_registered_once(first, client, params):
    again = register(params, "transfer")
    assert (again.version, again.created) == (1, False)
    assert "already" in str(again)
    assert len(client.search_model_versions(f"name = '{NAME}'")) == 1


def test_the_version_tells_where_it_comes_from(first, client, trained):
    version = client.get_model_version(NAME, "1")
    weights = json.loads(Path("models/transfer/manifest.json").read_text())
    assert version.tags[WEIGHTS_TAG] == weights["generator.weights.h5"]
    assert version.tags["dvc.data/prepared"] == "aaaa.dir"
    assert "dvc.models/transfer" not in version.tags  # the lock does not know it
    assert {"backend", "params.sha256", "version.keras"} <= version.tags.keys()
    assert "| stylefuse | 0.100 | 0.50 | 0.90 | 95% |" in version.description
    assert "`reports/pairs.png`, `reports/transfer.html`" in version.description


def test_the_version_belongs_to_the_run_that_trained_it(first, client):
    run = client.get_run(client.get_model_version(NAME, "1").run_id)
    assert RUN_TAG in run.data.tags  # it was followed, and not made from the files
    assert run.info.status == "FINISHED"
    assert run.data.params["train.crop"] == "64"
    assert run.data.metrics["methods.stylefuse.kid"] == 0.1
    assert "passed" not in str(run.data.metrics)
    steps = [m.step for m in client.get_metric_history(run.info.run_id, "content")]
    assert steps == [4, 8]
    images = client.list_artifacts(run.info.run_id, "images")
    assert len([image for image in images if image.path.endswith(".png")]) == 2
    assert [a.path for a in client.list_artifacts(run.info.run_id, "reports")] == [
        "reports/pairs.png", "reports/transfer.html",
    ]  # fmt: skip


def test_the_artifact_holds_data_only(first, params):
    folder = model_files(default_model(params.registry, "transfer"), params.registry)
    assert default_model(params.registry, "transfer") == champion_uri("transfer")
    names = {path.name for path in folder.parents[1].rglob("*") if path.is_file()}
    assert {"MLmodel", "serving.json", "input_example.json"} <= names
    assert not [name for name in names if name.endswith((".py", ".pkl", ".lock", ".toml"))]
    requirements = (folder.parents[1] / "requirements.txt").read_text()
    assert "stylefuse==" in requirements
    assert "tensorflow-cpu==" in requirements


def test_other_weights_become_the_challenger_with_a_run_from_the_files(first, client, params):
    """As after `dvc checkout` of a model that another machine trained."""
    make_model(Path("models/transfer"))
    second = register(params, "transfer")
    assert (second.version, second.created, second.aliases) == (2, True, ("challenger",))
    run = client.get_run(client.get_model_version(NAME, "2").run_id)
    assert run.info.run_name.endswith("from-files")
    history = client.get_metric_history(run.info.run_id, "content")
    assert [metric.step for metric in history] == [4, 8]


def test_a_model_that_was_changed_is_refused(first, params):
    with Path("models/transfer/generator.weights.h5").open("ab") as file:
        file.write(b"!")
    with pytest.raises(UserError, match="is not the file that was saved; train again"):
        register(params, "transfer")


def test_a_missing_model_names_the_remedy(params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"manifest\.json is missing; run `make repro`"):
        register(params, "transfer")
    assert not (tmp_path / "mlflow").exists()


@pytest.mark.parametrize(
    ("model", "complaint"),
    [(f"models:/{NAME}@nobody", "cannot be had"), (f"models:/{NAME}/99", "make repro"),
     ("models:/odd", "cannot be had"), ("no/such/folder", "is no folder; run `make repro`")],
)  # fmt: skip
def test_a_model_that_is_not_there(first, params, model, complaint):
    with pytest.raises(UserError, match=complaint) as error:
        model_files(model, params.registry)
    assert model in str(error.value)
    assert "\n" not in str(error.value)
