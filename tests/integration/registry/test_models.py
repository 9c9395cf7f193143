"""Every model has a registered model of its own, which answers as its schema says."""

import base64
import io
import json
from pathlib import Path

import mlflow
import pandas as pd
import pytest
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.base64 import decode
from stylefuse.inference.model_folder import weights_hash
from stylefuse.inference.predictor import find_predictor, load_predictor
from stylefuse.models.task import find_task
from stylefuse.registry.fetch import champion_location, champion_uri
from stylefuse.registry.register import register
from stylefuse.registry.store import MODEL_TAG, WEIGHTS_TAG, open_store, registered_name
from tests.integration.painting.test_metadata import TERMS, source_type
from tests.support.models import encoded, make_model, noise
from tests.support.tiles import write_tiles

PICTURE = encoded(noise(40, 30))
REQUESTS = {
    "transfer": ({"content": [PICTURE], "style": [encoded(noise(20, 20))]}, {"size": 20}, (20, 15)),
    "restore": ({"picture": [PICTURE]}, {"strength": 0.5}, (40, 30)),
    "portrait": ({"seed": [3]}, {"towards": 4, "blend": 0.2}, (64, 64)),
}
METRICS = {
    "transfer": {"kid": 0.1, "style_ratio": 0.5, "unknown": 1.0},
    "restore": {"psnr": 21.987, "ssim": 0.75},
}


@pytest.fixture(scope="module")
def registered(project, params):
    """A project whose models were all registered; restore and transfer were evaluated."""
    write_tiles(project / "data/prepared")
    for name in REQUESTS:
        make_model(project / "models" / name, name)
        (project / "reports/sample_grids" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(project / f"reports/sample_grids/{name}/one.png")
    Path("reports/metrics").mkdir()
    for name, metrics in METRICS.items():
        methods = {"identity": {**metrics, "kid_deviation": 1.0}, "stylefuse": metrics}
        result = {"methods": methods, "weights": weights_hash(project / "models" / name)}
        Path(f"reports/metrics/{name}.json").write_text(json.dumps(result))
    return {name: register(params, name) for name in REQUESTS}


@pytest.fixture(scope="module")
def client(registered, params):
    return open_store(params.registry)


def test_three_models_with_aliases_of_their_own(registered, client):
    assert [v.name for v in registered.values()] == [registered_name(name) for name in REQUESTS]
    for name, version in registered.items():
        assert (version.version, version.created) == (1, True)
        model = client.get_registered_model(registered_name(name))
        assert model.aliases == {"champion": 1, "challenger": 1}
        assert model.description.startswith(find_task(name).description[:40])
        assert f"`stylefuse serve {name}`" in model.description


@pytest.mark.parametrize("name", REQUESTS)
def test_a_champion_answers_as_its_schema_says(registered, name):
    columns, parameters, size = REQUESTS[name]
    champion = mlflow.pyfunc.load_model(champion_uri(name))
    schema, predictor = champion.metadata.get_input_schema(), find_predictor(name)
    assert schema.input_names() == [*columns, *predictor.optional_inputs]
    assert {*schema.input_names()} - {*schema.required_input_names()} == {
        *predictor.repeatable_inputs, *predictor.optional_inputs
    }  # fmt: skip
    answer = champion.predict(pd.DataFrame(columns), params=parameters)
    assert decode(answer.picture[0]).size == size
    assert source_type(io.BytesIO(base64.b64decode(answer.picture[0]))) == TERMS[name]
    example = champion.metadata.load_input_example()
    assert len(champion.predict(example)) == 1


def test_a_served_portrait_is_the_painted_one(registered, params):
    champion = mlflow.pyfunc.load_model(champion_uri("portrait"))
    served = decode(champion.predict(pd.DataFrame({"seed": [3]})).picture[0])
    location = champion_location("portrait", params.registry)
    assert location.origin == {"version": "stylefuse-portrait/1"}
    predictor = load_predictor(location.folder)
    assert served.tobytes() == predictor.paint({"seed": 3}, predictor.options()).tobytes()


def test_a_page_shows_the_metrics_of_its_model(registered, client):
    def page(name):
        return client.get_model_version(registered_name(name), "1").description

    assert "| on held-out pictures | KID ↓ | style distance ↓ |\n|:---|---:|---:|" in page(
        "transfer"
    )
    assert "| stylefuse | 0.100 | 0.50 |" in page("transfer")
    assert "| identity | 21.99 | 0.750 |" in page("restore")
    assert "Not evaluated yet" in page("portrait")
    assert "`reports/one.png`" in page("portrait")
    assert "![one](get-artifact?path=card%2Fone.jpg&run_uuid=" in page("portrait")
    assert "licence" not in page("portrait")  # there is no manifest


def test_runs_have_the_model_that_they_trained(registered, client):
    for name in REQUESTS:
        version = client.get_model_version(registered_name(name), "1")
        run = client.get_run(version.run_id)
        assert run.data.tags[MODEL_TAG] == name
        assert run.data.tags[WEIGHTS_TAG] == version.tags[WEIGHTS_TAG]
        assert run.info.run_name == f"{name}-tiny-from-files"


def test_a_fourth_model_needs_no_edit(registered, with_toy, project):
    make_model(project / "models/base/toy", "toy", width=2)
    make_model(project / "models/toy", "toy", width=4)
    assert champion_location("toy", with_toy.registry) is None
    version = register(with_toy, "toy")
    assert (version.name, version.version) == ("stylefuse-toy", 2)  # the base weights are first
    assert champion_location("toy", with_toy.registry).origin == {"version": "stylefuse-toy/1"}

    champion = mlflow.pyfunc.load_model(champion_uri("toy"))
    request = pd.DataFrame({"canvas": [encoded(Image.new("RGB", (8, 8)))] * 2, "times": [0, 1]})
    answer = champion.predict(request, params={"colour": "blue"})
    assert [decode(text).getpixel((0, 0)) for text in answer.picture] == [(0, 0, 0), (0, 0, 127)]
    with pytest.raises(mlflow.MlflowException, match="row 2 of 2: that is too often"):
        champion.predict(request.assign(times=[9, 10]))


def test_a_name_without_a_model(registered, params):
    with pytest.raises(UserError) as error:
        register(params, "upscale")
    assert error.value.code == "model-unknown"
