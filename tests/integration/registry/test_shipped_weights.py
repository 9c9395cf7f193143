"""Weights that come with the project are the first champion; a trained model challenges them."""

import json
from pathlib import Path

import pandas as pd
import pytest

from stylefuse.errors import UserError
from stylefuse.inference.model_folder import weights_hash
from stylefuse.models.saving import TRAINING_PICTURES
from stylefuse.paths import BASE_MODELS, MANIFEST, MODELS
from stylefuse.registry.fetch import champion_uri, model_files
from stylefuse.registry.integrity.reproduce import reproduce
from stylefuse.registry.integrity.verify import verify
from stylefuse.registry.register import register
from stylefuse.registry.store import MODEL_TAG, SHIPPED, SOURCE_TAG, WEIGHTS_TAG, open_store
from tests.support.models import SHAPES, make_model
from tests.support.tiles import write_tiles

NAME = "stylefuse-restore"
BASE, TRAINED = BASE_MODELS / "restore", MODELS / "restore"
RECORD = {
    "profile": "gpu", "seed": 5, "speed": {"device": "NVIDIA H200"},
    "settings": {"crop": 64, "batch": 16, "kimg": 100.0, "width": 4, "init_from": ""},
}  # fmt: skip


@pytest.fixture(scope="module")
def registered(project, params):
    """A project with base weights and others that were trained, which was registered once."""
    write_tiles(project / "data/prepared")
    pictures = [("train", "photograph", "CC0-1.0", "here", f"{i}.png") for i in range(3)]
    columns = ["split", "domain", "licence", "source", "path"]
    pd.DataFrame(pictures, columns=columns).to_parquet(MANIFEST)
    make_model(BASE, "restore", **SHAPES["restore"] | {"blocks": 2})
    (BASE / "run.json").write_text(json.dumps(RECORD))
    (BASE / TRAINING_PICTURES).write_text('["0.png", "2.png", "elsewhere.png"]')
    make_model(TRAINED, "restore")
    Path("reports/metrics").mkdir(parents=True)
    report = {"methods": {"stylefuse": {"psnr": 21.0}}, "weights": weights_hash(TRAINED)}
    Path("reports/metrics/restore.json").write_text(json.dumps(report))
    return register(params, "restore")


@pytest.fixture(scope="module")
def client(registered, params):
    return open_store(params.registry)


def test_the_trained_model_is_the_challenger_of_the_shipped_weights(registered, client, params):
    assert (registered.version, registered.created) == (2, True)
    assert registered.aliases == ("challenger",)
    assert client.get_registered_model(NAME).aliases == {"champion": 1, "challenger": 2}
    shipped, trained = (client.get_model_version(NAME, version) for version in "12")
    assert shipped.tags[WEIGHTS_TAG] == weights_hash(BASE)
    assert shipped.tags[SOURCE_TAG] == SHIPPED
    assert trained.tags[WEIGHTS_TAG] == weights_hash(TRAINED)
    assert SOURCE_TAG not in trained.tags
    folder = model_files(champion_uri("restore"), params.registry)
    assert weights_hash(folder) == weights_hash(BASE)


def test_registering_again_adds_no_version(registered, client, params):
    again = register(params, "restore")
    assert (again.version, again.created) == (2, False)
    assert len(client.search_model_versions(f"name = '{NAME}'")) == 2


def test_the_shipped_version_has_the_facts_of_its_own_training(registered, client):
    version = client.get_model_version(NAME, "1")
    assert version.tags["hardware"] == "NVIDIA H200"
    assert version.tags["version.keras"] == "not recorded"
    assert version.tags["data.licences"] == "CC0-1.0: 2"  # of the listed pictures alone
    assert not [tag for tag in version.tags if tag.startswith(("dvc.", "params."))]
    run = client.get_run(version.run_id)
    assert (run.info.run_name, run.info.status) == ("restore-shipped", "FINISHED")
    assert (run.data.params["train.kimg"], run.data.params["seed"]) == ("100.0", "5")
    assert run.data.tags[MODEL_TAG] == "restore"
    assert run.data.metrics == {}
    assert "come with the project" in version.description


def test_the_trained_version_alone_has_the_metrics_of_the_evaluation(registered, client):
    version = client.get_model_version(NAME, "2")
    assert client.get_run(version.run_id).data.metrics == {"methods.stylefuse.psnr": 21.0}
    assert "21.0" in version.description


def test_the_shipped_version_is_signed_but_cannot_be_trained_again(registered, params):
    assert verify(params, "restore/1").version == f"{NAME} version 1"
    with pytest.raises(UserError) as error:
        reproduce(params, "restore/1")
    assert error.value.code == "version-not-trained-here"


def test_another_training_does_not_register_the_shipped_weights_again(registered, client, params):
    Path("reports/metrics/restore.json").unlink()
    make_model(TRAINED, "restore", **SHAPES["restore"] | {"blocks": 3})
    assert register(params, "restore").version == 3
    assert client.get_registered_model(NAME).aliases == {"champion": 1, "challenger": 3}
