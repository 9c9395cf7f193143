"""`params.yaml`: the shipped file loads, and everything wrong in a file is listed in one error."""

import copy
import datetime
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.models import portrait, restore, transfer

SHIPPED = Path(__file__).parents[2] / "params.yaml"


def changed(tmp_path, change):
    raw = yaml.safe_load(SHIPPED.read_text())
    change(raw)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


def complaints(tmp_path, change):
    """The lines of the error message after a change of the shipped file, without the first."""
    with pytest.raises(UserError) as error:
        load_params(changed(tmp_path, change))
    assert error.value.code == "params-invalid"
    first, *lines = str(error.value).splitlines()
    assert f"is wrong in {len(lines)} place(s):" in first
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
        train = params.model_settings(model.TASK.name)
        assert type(train) is model.Settings
        assert train == params.models[model.TASK.name][params.profile]
        assert set(train.domains) <= set(params.domains)
    for use in (params.model_settings, params.require_model, lambda name: params.names([name])):
        with pytest.raises(UserError, match="'upscale', only transfer, restore, portrait") as error:
            use("upscale")
        assert error.value.code == "model-unknown"


def test_everything_wrong_is_listed_in_one_error(tmp_path):
    def change(raw):
        raw["sead"] = 1
        raw["seed"] = "many"
        raw["prepare"]["cpu"]["sides"]["painting"] = 8
        raw["models"]["transfer"]["cpu"]["batch"] = 1
        raw["models"]["portrait"]["gpu"]["architecture"] = "baroque"
        raw["models"]["restore"]["cpu"]["latent"] = 64  # a key of another model
        raw["models"]["upscale"] = raw["models"]["restore"]
        del raw["evaluate"]["size"]

    listed = complaints(tmp_path, change)
    places = (
        "sead: no such key", "seed: ", "evaluate.size: is missing",
        "prepare.cpu.sides.painting: ", "models.transfer.cpu.batch: ",
        "models.portrait.gpu.architecture: ", "models.restore.cpu.latent: no such key",
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


@pytest.mark.parametrize(
    ("section", "old", "new"),
    [
        (("models", "transfer", "cpu"), "start", "init_from"),
        (("models", "transfer", "cpu"), "fused", "fusion_share"),
        (("models", "transfer", "gpu"), "guide_content", "perceptual_content"),
        (("models", "transfer", "gpu"), "guide_style", "perceptual_style"),
        (("monitor",), "seen", "request_log"),
    ],
)
def test_an_old_key_is_answered_with_its_new_name(tmp_path, section, old, new):
    def change(raw):
        for name in section:
            raw = raw[name]
        raw[old] = raw.pop(new)

    listed = complaints(tmp_path, change)
    assert f"{'.'.join(section)}.{old}: was renamed to {new}" in listed


@pytest.mark.parametrize("text", ["seed: [", "", "just words", "\x00", "models: words"])
def test_a_file_that_is_not_a_parameter_file(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"params\.yaml"):
        load_params(path)


def test_a_missing_file_says_where_to_run(tmp_path):
    with pytest.raises(UserError, match="run the command in the project's folder") as error:
        load_params(tmp_path / "params.yaml")
    assert error.value.code == "params-missing"


@pytest.mark.parametrize("uri", ["postgresql://me:hush@host/db", "https://me:hush@host"])
def test_a_password_is_refused_and_not_repeated(tmp_path, uri):
    (line,) = complaints(tmp_path, lambda raw: raw["registry"].update(tracking_uri=uri))
    assert line == "registry: a password does not belong here; set it in the environment"


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9),
    st.sampled_from([10**400, -1, 0, "", "..", "\0", "a.b", datetime.date(2020, 1, 1), b"bytes"]),
)  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda x: st.lists(x, max_size=3) | st.dictionaries(SCALARS, x, max_size=3),
    max_leaves=6,
)
RAW = yaml.safe_load(SHIPPED.read_text())
RAW["data"]["sources"] = RAW["data"]["sources"][:2]  # the others are alike


def places(node, path=()):
    """The path of every node in a tree except its root."""
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield (*path, key)
        yield from places(node[key], (*path, key))


def loads_or_names(path, *fields):
    """Load a file, or check that the error lists one of those names."""
    try:
        params = load_params(path)
    except UserError as error:
        assert error.code == "params-invalid"
        _, *lines = str(error).splitlines()
        assert any(str(field) in line for field in fields for line in lines)
    else:
        assert params.domains


@settings(max_examples=150)
@given(st.data())
def test_a_changed_field_loads_or_is_named(tmp_path_factory, data):
    raw = copy.deepcopy(RAW)
    place = data.draw(st.sampled_from(list(places(raw))))
    holder = raw
    for key in place[:-1]:
        holder = holder[key]
    match data.draw(st.sampled_from(["replace", "remove", "add"])):
        case "replace":
            holder[place[-1]] = data.draw(VALUES)
        case "remove":
            del holder[place[-1]]
        case "add" if isinstance(holder, dict):
            added = data.draw(SCALARS)
            holder[added] = data.draw(VALUES)
            place = (*place, added)
        case "add":
            holder.append(data.draw(VALUES))
    path = tmp_path_factory.getbasetemp() / "params.yaml"
    path.write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")
    loads_or_names(path, *map(str, place), *map(repr, place))


@settings(max_examples=60)
@given(st.integers(0, 9000), st.text(max_size=5), st.integers(0, 30))
def test_a_changed_text_loads_or_is_refused(tmp_path_factory, start, text, left_out):
    original = SHIPPED.read_text()
    path = tmp_path_factory.getbasetemp() / "params.yaml"
    path.write_text(original[:start] + text + original[start + left_out :], encoding="utf-8")
    try:
        load_params(path)
    except UserError as error:
        assert error.code in ("params-invalid", "params-unreadable")


@pytest.mark.parametrize(
    "text",
    ["seed: 2020-99-99", "seed: !!int words", "seed: &a [*a]", "a: " + "[" * 5000, "? [a]\n: b"],
)
def test_odd_yaml_is_refused(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        load_params(path)
    assert error.value.code in ("params-invalid", "params-unreadable")
