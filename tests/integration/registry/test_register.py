"""From a tracked training to a version in the registry, once for the same weights."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import keras
import pandas as pd
import pytest
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.evaluation.comparison import Difference
from stylefuse.gate.decide import load_decision, save_decision
from stylefuse.gate.rules import Check, Decision
from stylefuse.inference.model_folder import weights_hash
from stylefuse.models.task import find_task
from stylefuse.paths import TRAINING_ENVIRONMENTS
from stylefuse.registry.fetch import champion_location, model_files
from stylefuse.registry.pages.model_page import GENERATED
from stylefuse.registry.register import register
from stylefuse.registry.store import RUN_TAG, WEIGHTS_TAG, open_store
from stylefuse.registry.tracking.tracker import MlflowTracker
from stylefuse.registry.version_facts import gather_facts
from stylefuse.training import trainer
from tests.support.models import make_model
from tests.support.tiles import write_tiles

NAME = "stylefuse-transfer"
LOCK = """\
schema: '2.0'
stages:
  prepare:
    cmd: python -m stylefuse.data.prepare
    outs:
    - {path: data/prepared, md5: aaaa.dir}
"""


def manifest():
    """Rows for pictures; the transfer model is trained on the first five."""
    rows = [
        *[("train", "painting", "CC0-1.0", "art")] * 2,
        ("train", "photograph", "CC0-1.0", "photos"),
        *[("train", "painting", "GPL-2+", "art")] * 2,
        ("test", "painting", "GPL-2+", "art"),
        ("validation", "photograph", "GPL-3", "photos"),
        ("train", "portrait", "CC-BY-4.0", "faces"),
    ]
    table = pd.DataFrame(rows, columns=["split", "domain", "licence", "source"])
    return table.assign(path=[f"data/pictures/{i}.png" for i in range(len(rows))])


def cells(page, name):
    """The cells after a name in a table of a page."""
    line = next(line for line in page.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


@pytest.fixture(scope="module")
def trained(project, params):
    """A project whose model was trained, tracked and evaluated."""
    write_tiles(project / "data/prepared")
    with MlflowTracker(params.registry) as tracker:
        trainer.train("transfer", params, tracker)
    for folder in ("reports/metrics", "reports/sample_grids/transfer"):
        Path(folder).mkdir(parents=True)
    figures = {"kid": 0.1, "style_ratio": 0.5, "low_pass_ssim": 0.9, "patch_retrieval": 0.95}
    weights = weights_hash(Path("models/transfer"))
    results = {"methods": {"stylefuse": figures}, "weights": weights, "passed": True}
    Path("reports/metrics/transfer.json").write_text(json.dumps(results))
    for name in ("pairs", "styles", "fusion"):
        Image.new("RGB", (1500, 900)).save(f"reports/sample_grids/transfer/{name}.png")
    Path("reports/transfer.html").write_text("<p>evaluated</p>")
    Path("dvc.lock").write_text(LOCK)
    manifest().to_parquet("data/manifest.parquet")
    Path("data/ATTRIBUTION.md").write_text("# Where the pictures come from\n")
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


def test_the_version_has_its_provenance(first, client, trained):
    version = client.get_model_version(NAME, "1")
    weights = json.loads(Path("models/transfer/manifest.json").read_text())
    assert version.tags[WEIGHTS_TAG] == weights["generator.weights.h5"]
    assert version.tags["dvc.data/prepared"] == "aaaa.dir"
    assert "dvc.models/transfer" not in version.tags  # the lock does not know it
    assert "params.sha256" in version.tags
    assert cells(version.description, "stylefuse") == ["0.100", "0.50", "0.90", "95%"]
    assert (
        "`reports/fusion.png`, `reports/pairs.png`, `reports/styles.png`, `reports/transfer.html`"
        in (version.description)
    )


def test_the_version_has_the_environment_of_its_training(first, client):
    tags = client.get_model_version(NAME, "1").tags
    recorded = json.loads((TRAINING_ENVIRONMENTS / "transfer.json").read_text())
    assert tags["backend"] == recorded["backend"] == keras.backend.backend()
    assert tags["hardware"].startswith(recorded["hardware"]["processor"])
    assert tags["version.keras"] == recorded["versions"]["keras"] == keras.__version__


def test_without_its_file_the_environment_is_read_from_the_run(first, client, params):
    """As in a copy of the project that has the outputs of DVC, but not the other reports."""
    tags = client.get_model_version(NAME, "1").tags
    path = TRAINING_ENVIRONMENTS / "transfer.json"
    path.rename("environment.json")
    facts = gather_facts(client, params, "transfer", Path("models/transfer"), 1, False)
    Path("environment.json").rename(path)
    assert facts.tags.items() <= tags.items()
    assert facts.tags["hardware"] == tags["hardware"] != "not recorded"


def test_the_page_shows_two_pictures_and_links_to_artifacts(first, client):
    version = client.get_model_version(NAME, "1")
    images = re.findall(
        r"!\[\w+\]\(get-artifact\?path=([\w%.]+)&run_uuid=(\w+)\)", version.description
    )
    assert [unquote(path) for path, _ in images] == ["card/styles.jpg", "card/fusion.jpg"]
    for path, run in images:
        picture = Image.open(client.download_artifacts(run, unquote(path)))
        assert (picture.format, picture.size) == ("JPEG", (640, 384))
    experiment = client.get_run(version.run_id).info.experiment_id
    run_page = f"#/experiments/{experiment}/runs/{version.run_id}"
    links = re.findall(r"\((#[^)]+)\)", version.description)
    assert all(link.startswith(run_page) for link in links)
    paths = [link.removeprefix(f"{run_page}/artifacts/") for link in links if "artifacts/" in link]
    assert paths == [
        "reports/styles.png", "reports/fusion.png", "reports/transfer.html", "data/ATTRIBUTION.md",
    ]  # fmt: skip
    for path in paths:
        assert Path(client.download_artifacts(version.run_id, path)).is_file()


def test_the_page_counts_the_licences_of_the_training_pictures(first, client):
    version = client.get_model_version(NAME, "1")
    assert version.tags["data.licences"] == "CC0-1.0: 3, GPL-2+: 2"
    assert cells(version.description, "CC0-1.0") == ["art, photos", "3"]
    assert cells(version.description, "GPL-2+") == ["art", "2"]
    assert "5 pictures of the training split" in version.description


def test_the_page_has_the_decision_of_the_gate(first, client):
    version = client.get_model_version(NAME, "1")
    assert "there was no champion to compare with" in version.description
    difference = Difference(champion=-0.2, challenger=-0.1, low=0.05, high=0.15)
    for passed, verdict in ((True, "Promoted"), (False, "Refused")):
        check = Check("KID: better", passed, "because of it")
        decision = Decision((check,), {"kid": difference}, 0.95)
        save_decision(client, version, "7", decision, key="asked")
        version = client.get_model_version(NAME, "1")
        assert f"**{verdict}** against version 7: because of it." in version.description
        assert cells(version.description, "KID") == ["0.200", "0.100", "+0.1", "+0.05 to +0.15"]
        assert version.description.count("### Gate") == 1
        assert "no champion to compare with" not in version.description
        assert "### Training pictures" in version.description
    page = "gate/1/decision.md"
    assert f"/artifacts/{page})" in version.description
    assert "because of it" in Path(client.download_artifacts(version.run_id, page)).read_text()
    assert load_decision(client, version) == decision


def test_the_model_s_page_shows_the_champion_and_is_updated(first, client, params):
    page = client.get_registered_model(NAME).description
    assert "**Paints a photograph in the style of any other picture**" in page
    assert "get-artifact?path=card%2Fstyles.jpg" in page
    assert "### Samples of version 1" in page
    assert all(f in page for f in ('"params": {', '"strength": 1.0', '"preserve_color": "none"'))
    client.update_registered_model(NAME, find_task("transfer").description)
    register(params, "transfer")
    assert client.get_registered_model(NAME).description == page
    client.update_registered_model(NAME, "**Ours.**")
    register(params, "transfer")
    assert client.get_registered_model(NAME).description == "**Ours.**"
    client.update_registered_model(NAME, f"an older text\n\n{GENERATED}")
    register(params, "transfer")
    assert client.get_registered_model(NAME).description == page


def test_the_version_belongs_to_the_run_that_trained_it(first, client):
    run = client.get_run(client.get_model_version(NAME, "1").run_id)
    assert RUN_TAG in run.data.tags  # the training was tracked; this is not a run from files
    assert run.info.status == "FINISHED"
    assert run.data.params["train.crop"] == "64"
    assert run.data.metrics["methods.stylefuse.kid"] == 0.1
    assert "passed" not in str(run.data.metrics)
    steps = [m.step for m in client.get_metric_history(run.info.run_id, "content")]
    assert steps == [4, 8]
    images = client.list_artifacts(run.info.run_id, "images")
    assert len([image for image in images if image.path.endswith(".png")]) == 2
    assert [a.path for a in client.list_artifacts(run.info.run_id, "reports")] == [
        "reports/fusion.png", "reports/pairs.png", "reports/styles.png", "reports/transfer.html",
    ]  # fmt: skip


def test_the_artifact_holds_graphs_and_the_code_that_paints_with_them(first, params):
    folder = champion_location("transfer", params.registry).folder
    root = folder.parents[1]
    files = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert {"MLmodel", "input_example.json", "code/stylefuse/serving/pyfunc.py"} <= files
    assert {"serving.json", "manifest.json", "decoder.onnx"} <= {p.name for p in folder.iterdir()}
    assert not [name for name in files if name.endswith((".pkl", ".lock", ".toml", ".h5", ".pyc"))]
    requirements = (root / "requirements.txt").read_text()
    assert "onnxruntime==" in requirements
    assert not re.search("stylefuse|keras|tensorflow", requirements)


def test_other_weights_become_the_challenger_with_a_run_from_the_files(first, client, params):
    """As after `dvc checkout` of a model that another machine trained."""
    make_model(Path("models/transfer"))
    with pytest.raises(UserError) as error:
        register(params, "transfer")
    assert error.value.code == "evaluation-of-other-weights"
    Path("reports/metrics/transfer.json").unlink()
    second = register(params, "transfer")
    assert (second.version, second.created, second.aliases) == (2, True, ("challenger",))
    version = client.get_model_version(NAME, "2")
    assert version.tags["hardware"] == version.tags["backend"] == "not recorded"
    run = client.get_run(version.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name.endswith("from-files")
    history = client.get_metric_history(run.info.run_id, "content")
    assert [metric.step for metric in history] == [4, 8]


def test_a_model_that_was_changed_is_refused(first, params):
    with Path("models/transfer/generator.weights.h5").open("ab") as file:
        file.write(b"!")
    with pytest.raises(UserError) as error:
        register(params, "transfer")
    assert error.value.code == "model-changed"


def test_without_a_model_no_store_is_created(params, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="run `make repro`") as error:
        register(params, "transfer")
    assert error.value.code == "model-missing"
    assert not (tmp_path / "mlflow").exists()


@pytest.mark.parametrize(
    ("model", "code"),
    [(f"models:/{NAME}@nobody", "version-missing"), (f"models:/{NAME}/99", "version-missing"),
     ("models:/odd", "version-missing"), ("no/such/folder", "model-missing")],
)  # fmt: skip
def test_a_model_that_does_not_exist(first, params, model, code):
    with pytest.raises(UserError) as error:
        model_files(model, params.registry)
    assert error.value.code == code
    assert model in str(error.value)
    assert "\n" not in str(error.value)
