"""`params.yaml`: what is right loads, what is wrong is listed whole."""

from pathlib import Path

import pytest
import yaml

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.models import portrait, restore, transfer

SHIPPED = Path(__file__).parents[1] / "params.yaml"


def changed(tmp_path, change):
    raw = yaml.safe_load(SHIPPED.read_text())
    change(raw)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


def complaints(tmp_path, change):
    """The lines of the error that a change leads to, after its head."""
    with pytest.raises(UserError) as error:
        load_params(changed(tmp_path, change))
    head, *lines = str(error.value).splitlines()
    assert f"is wrong in {len(lines)} place(s):" in head
    return [line.strip() for line in lines]


def test_the_shipped_file_loads():
    params = load_params(SHIPPED)
    assert set(params.models) == {"transfer", "restore", "portrait"}
    for profiles in (params.prepare, *params.models.values()):
        assert set(profiles) == {"cpu", "gpu"}
    assert params.domains == ["painting", "photograph", "portrait"]


def test_every_model_has_settings_of_its_own():
    params = load_params(SHIPPED)
    for model in (transfer, restore, portrait):
        train = params.train(model.RECIPE.name)
        assert type(train) is model.Settings
        assert train == params.models[model.RECIPE.name][params.profile]
        assert set(train.domains) <= set(params.domains)
    with pytest.raises(UserError, match="no model 'upscale', only transfer, restore, portrait"):
        params.train("upscale")


def test_everything_wrong_is_listed_in_one_error(tmp_path):
    def change(raw):
        raw["sead"] = 1
        raw["seed"] = "many"
        raw["prepare"]["cpu"]["sides"]["painting"] = 8
        raw["models"]["transfer"]["cpu"]["batch"] = 1
        raw["models"]["portrait"]["gpu"]["architecture"] = "baroque"
        raw["models"]["restore"]["cpu"]["fused"] = 0.5  # of another model
        raw["models"]["upscale"] = raw["models"]["restore"]
        del raw["evaluate"]["size"]

    listed = complaints(tmp_path, change)
    places = (
        "sead: no such key", "seed: ", "evaluate.size: is missing",
        "prepare.cpu.sides.painting: ", "models.transfer.cpu.batch: ",
        "models.portrait.gpu.architecture: ", "models.restore.cpu.fused: no such key",
        "models.upscale: there is no such model",
    )  # fmt: skip
    assert len(listed) == len(places)
    for place in places:
        assert [line for line in listed if line.startswith(place)], place


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda raw: raw.update(profile="tpu"), "prepare has no profile 'tpu'"),
        (lambda raw: raw["models"]["restore"].pop("cpu"), "restore has no profile 'cpu'"),
        (lambda raw: raw["models"].update(transfer=None), "models.transfer: "),
        (lambda raw: raw["models"].update(blocks={}), "models.blocks: there is no such model"),
        (lambda raw: raw["models"]["transfer"]["cpu"].update(crop=100), "multiple of 8"),
        (
            lambda raw: raw["models"]["restore"]["cpu"].update(crop=4096),
            "models.restore.cpu.crop is larger than prepare.cpu.sides.photograph",
        ),
        (lambda raw: raw["data"]["sources"][0].pop("packages"), "needs 'packages'"),
        (lambda raw: raw["data"]["splits"].update(test=1.0), "nothing to train on"),
        (lambda raw: raw["evaluate"].update(size=float("nan")), "evaluate.size"),
    ],
)
def test_values_that_do_not_fit_together(tmp_path, change, complaint):
    (line,) = complaints(tmp_path, change)
    assert complaint in line


@pytest.mark.parametrize("text", ["seed: [", "", "just words", "\x00", "models: words"])
def test_a_file_that_is_no_parameter_file(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"params\.yaml"):
        load_params(path)


def test_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(UserError, match="project's folder"):
        load_params(tmp_path / "params.yaml")


@pytest.mark.parametrize("uri", ["postgresql://me:hush@host/db", "https://me:hush@host"])
def test_a_password_is_refused_and_not_repeated(tmp_path, uri):
    (line,) = complaints(tmp_path, lambda raw: raw["registry"].update(tracking_uri=uri))
    assert line == "registry: a password does not belong here; the environment holds it"
