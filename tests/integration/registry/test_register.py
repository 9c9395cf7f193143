"""From a followed training to a version in the registry, once for the same weights."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.evaluation.comparison import Difference
from stylefuse.gate.decide import keep_decision, read_decision
from stylefuse.gate.rules import Check, Decision
from stylefuse.models.saving import weights_hash
from stylefuse.models.task import find_task
from stylefuse.registry.fetch import champion_uri, default_model, model_files
from stylefuse.registry.pages.model_page import SIGNED
from stylefuse.registry.register import register
from stylefuse.registry.store import RUN_TAG, WEIGHTS_TAG, open_store
from stylefuse.registry.tracking.tracker import MlflowTracker
from stylefuse.training import trainer as loop
from tests.integration.registry.conftest import write_tiles
from tests.support.models import make_model

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
    """Pictures of which the model was trained on the first five."""
    rows = [
        *[("train", "painting", "CC0-1.0", "art")] * 2,
        ("train", "photograph", "CC0-1.0", "photos"),
        *[("train", "painting", "GPL-2+", "art")] * 2,
        ("test", "painting", "GPL-2+", "art"),
        ("validation", "photograph", "GPL-3", "photos"),
        ("train", "portrait", "CC-BY-4.0", "faces"),
    ]
    return pd.DataFrame(rows, columns=["split", "domain", "licence", "source"])


def cells(page, name):
    """What follows a name in a table of a page."""
    line = next(line for line in page.splitlines() if line.startswith(f"| {name}&emsp; |"))
    return [cell.strip() for cell in line.replace("&emsp;", "").strip("|").split("|")][1:]


@pytest.fixture(scope="module")
def trained(project, params):
    """A project whose model was trained, followed and judged."""
    write_tiles(project / "data/prepared")
    with MlflowTracker(params.registry) as tracker:
        loop.train("transfer", params, tracker)
    for folder in ("reports/metrics", "reports/sample_grids/transfer"):
        Path(folder).mkdir(parents=True)
    figures = {"kid": 0.1, "style_ratio": 0.5, "low_pass_ssim": 0.9, "patch_retrieval": 0.95}
    weights = weights_hash(Path("models/transfer"))
    results = {"methods": {"stylefuse": figures}, "weights": weights, "passed": True}
    Path("reports/metrics/transfer.json").write_text(json.dumps(results))
    for name in ("pairs", "styles", "fusion"):
        Image.new("RGB", (1500, 900)).save(f"reports/sample_grids/transfer/{name}.png")
    Path("reports/transfer.html").write_text("<p>judged</p>")
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


def test_the_version_tells_where_it_comes_from(first, client, trained):
    version = client.get_model_version(NAME, "1")
    weights = json.loads(Path("models/transfer/manifest.json").read_text())
    assert version.tags[WEIGHTS_TAG] == weights["generator.weights.h5"]
    assert version.tags["dvc.data/prepared"] == "aaaa.dir"
    assert "dvc.models/transfer" not in version.tags  # the lock does not know it
    assert {"backend", "params.sha256", "version.keras"} <= version.tags.keys()
    assert cells(version.description, "stylefuse") == ["0.100", "0.50", "0.90", "95%"]
    assert (
        "`reports/fusion.png`, `reports/pairs.png`, `reports/styles.png`, `reports/transfer.html`"
        in (version.description)
    )


def test_the_page_shows_two_pictures_and_leads_to_what_exists(first, client):
    version = client.get_model_version(NAME, "1")
    shown = re.findall(
        r"!\[\w+\]\(get-artifact\?path=([\w%.]+)&run_uuid=(\w+)\)", version.description
    )
    assert [unquote(path) for path, _ in shown] == ["card/styles.jpg", "card/fusion.jpg"]
    for path, run in shown:
        picture = Image.open(client.download_artifacts(run, unquote(path)))
        assert (picture.format, picture.size) == ("JPEG", (640, 384))
    experiment = client.get_run(version.run_id).info.experiment_id
    run_page = f"#/experiments/{experiment}/runs/{version.run_id}"
    links = re.findall(r"\((#[^)]+)\)", version.description)
    assert all(link.startswith(run_page) for link in links)
    linked = [link.removeprefix(f"{run_page}/artifacts/") for link in links if "artifacts/" in link]
    assert linked == [
        "reports/styles.png", "reports/fusion.png", "reports/transfer.html", "data/ATTRIBUTION.md",
    ]  # fmt: skip
    for path in linked:
        assert Path(client.download_artifacts(version.run_id, path)).is_file()


def test_the_page_counts_the_licences_of_the_training_pictures(first, client):
    version = client.get_model_version(NAME, "1")
    assert version.tags["data.licences"] == "CC0-1.0: 3, GPL-2+: 2"
    assert cells(version.description, "CC0-1.0") == ["art, photos", "3"]
    assert cells(version.description, "GPL-2+") == ["art", "2"]
    assert "5 pictures of the training split" in version.description


def test_the_page_tells_what_the_gate_found(first, client, params):
    version = client.get_model_version(NAME, "1")
    assert "The first version had no champion to beat." in version.description
    found = Difference(champion=-0.2, challenger=-0.1, low=0.05, high=0.15)
    for good, verdict in ((True, "Promoted"), (False, "Refused")):
        decision = Decision((Check("KID: better", good, "because of it"),), {"kid": found}, 0.95)
        keep_decision(client, version, "7", decision, key="asked")
        version = client.get_model_version(NAME, "1")
        assert f"**{verdict}** beside version 7: because of it." in version.description
        assert cells(version.description, "KID") == ["0.200", "0.100", "+0.1", "+0.05 to +0.15"]
        assert version.description.count("### The gate") == 1
        assert "no champion to beat" not in version.description
        assert "### Training pictures" in version.description
    page = "gate/1/decision.md"
    assert f"/artifacts/{page})" in version.description
    assert "because of it" in Path(client.download_artifacts(version.run_id, page)).read_text()
    assert read_decision(client, version) == decision


def test_the_model_s_page_shows_the_champion_and_follows_its_card(first, client, params):
    card = client.get_registered_model(NAME).description
    assert "**Paints a photograph in the style of any other picture**" in card
    assert "get-artifact?path=card%2Fstyles.jpg" in card
    assert "### Samples of version 1" in card
    assert '"params": {"strength": 1.0, "preserve_color": "none"' in card
    client.update_registered_model(NAME, find_task("transfer").card)  # as it was once
    register(params, "transfer")
    assert client.get_registered_model(NAME).description == card
    client.update_registered_model(NAME, "**Ours.**")
    register(params, "transfer")
    assert client.get_registered_model(NAME).description == "**Ours.**"
    client.update_registered_model(NAME, f"an older text\n\n{SIGNED}")
    register(params, "transfer")
    assert client.get_registered_model(NAME).description == card


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
        "reports/fusion.png", "reports/pairs.png", "reports/styles.png", "reports/transfer.html",
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
    with pytest.raises(
        UserError, match=r"transfer\.json judges other weights than .* run `dvc repro`"
    ):
        register(params, "transfer")
    Path("reports/metrics/transfer.json").unlink()
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
    [(f"models:/{NAME}@nobody", "in the registry; `stylefuse models`"),
     (f"models:/{NAME}/99", "in the registry; `stylefuse models`"),
     ("models:/odd", "in the registry"), ("no/such/folder", "there is no folder no/such/folder")],
)  # fmt: skip
def test_a_model_that_is_not_there(first, params, model, complaint):
    with pytest.raises(UserError, match=complaint) as error:
        model_files(model, params.registry)
    assert model in str(error.value)
    assert "\n" not in str(error.value)
