"""`params.yaml`: what is right loads, what is wrong is listed whole."""

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
        train = params.model_settings(model.TASK.name)
        assert type(train) is model.Settings
        assert train == params.models[model.TASK.name][params.profile]
        assert set(train.domains) <= set(params.domains)
    with pytest.raises(UserError, match="no model 'upscale', only transfer, restore, portrait"):
        params.model_settings("upscale")


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
RAW["data"]["sources"] = RAW["data"]["sources"][:2]  # the rest is more of the same, and slow


def places(node, path=()):
    """The path of everything in a tree, but for its root."""
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield (*path, key)
        yield from places(node[key], (*path, key))


def loads_or_names(path, *fields):
    """Load a file, or see that what is wrong with it is listed with one of those names."""
    try:
        params = load_params(path)
    except UserError as error:
        head, *lines = str(error).splitlines()
        assert f"is wrong in {len(lines)} place(s):" in head
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
    kept = copy.deepcopy(holder)
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
    assert kept is not holder


@settings(max_examples=60)
@given(st.integers(0, 9000), st.text(max_size=5), st.integers(0, 30))
def test_a_changed_text_loads_or_is_refused(tmp_path_factory, start, text, left_out):
    whole = SHIPPED.read_text()
    path = tmp_path_factory.getbasetemp() / "params.yaml"
    path.write_text(whole[:start] + text + whole[start + left_out :], encoding="utf-8")
    try:
        load_params(path)
    except UserError as error:
        assert "params.yaml is " in str(error)


@pytest.mark.parametrize(
    "text",
    ["seed: 2020-99-99", "seed: !!int words", "seed: &a [*a]", "a: " + "[" * 5000, "? [a]\n: b"],
)
def test_odd_yaml_is_refused(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=r"params\.yaml is "):
        load_params(path)
