"""The list of registered versions, and finding one by name."""

import hashlib
import re
from pathlib import Path

import pytest

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.registry.store import VERDICT_TAG, open_store
from stylefuse.registry.versions import find_version, list_versions, versions_table
from tests.support.models import make_project
from tests.support.registered_project import copy_project_with_two_versions

NAME = "stylefuse-transfer"


@pytest.fixture(scope="module")
def params(shared_folder, tmp_path_factory):
    """A store with two versions of one model, one of another, and a model of somebody else."""
    folder = tmp_path_factory.mktemp("versions") / "project"
    copy_project_with_two_versions(shared_folder, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        params = load_params()
        client = open_store(params.registry)
        client.set_model_version_tag(NAME, "2", VERDICT_TAG, "refuse: no better")
        client.create_registered_model("another")
        client.create_model_version("another", source=str(folder / "models/transfer"))
        yield params


def test_without_a_store_nothing_is_listed_and_none_is_created(tmp_path, monkeypatch):
    monkeypatch.chdir(make_project(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert list_versions(load_params().registry) == []
    assert not Path("mlflow").exists()


def test_every_version_of_this_project_is_listed_the_newest_first(params):
    versions = list_versions(params.registry)
    assert [(v.model, v.number, v.aliases, v.decision) for v in versions] == [
        ("stylefuse-portrait", 1, ("challenger", "champion"), None),
        (NAME, 2, ("challenger",), "refuse: no better"),
        (NAME, 1, ("champion",), None),
    ]
    weights = Path("models/transfer/generator.weights.h5").read_bytes()
    assert versions[1].weights == hashlib.sha256(weights).hexdigest()
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", versions[0].created)


def test_the_table_has_a_line_for_each_version(params):
    versions = list_versions(params.registry)
    title, *lines = versions_table(versions).splitlines()
    assert title.split() == [
        "model", "version", "aliases", "created", "(UTC)", "weights", "gate",
    ]  # fmt: skip
    assert lines[1].startswith(f"{NAME:<18}  2 ")
    assert lines[1].endswith(f"{versions[1].weights[:12]}  refuse: no better")
    assert len({line.index(" 20") for line in lines}) == 1


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("transfer", 1), ("stylefuse-transfer", 1), ("transfer@challenger", 2), ("transfer/2", 2),
        ("models:/stylefuse-transfer@champion", 1), ("models:/stylefuse-transfer/2", 2),
    ],
)  # fmt: skip
def test_a_version_is_found_by_each_kind_of_name(params, name, number):
    version, model = find_version(params, name)
    assert (version.name, int(version.version), model) == (NAME, number, "transfer")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("transfer/9", "version-missing"), ("transfer@nobody", "version-missing"),
        ("transfer/first", "version-missing"), ("transfer/", "version-missing"),
        ("another", "model-unknown"), ("restore", "version-missing"),
    ],
)  # fmt: skip
def test_a_name_without_a_version(params, name, code):
    with pytest.raises(UserError) as error:
        find_version(params, name)
    assert error.value.code == code
    assert name in str(error.value)
