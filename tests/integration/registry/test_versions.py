"""What is registered, as a table."""

import hashlib
import re
from pathlib import Path

import pytest

from stylefuse.config import load_params
from stylefuse.registry.register import register
from stylefuse.registry.store import VERDICT_TAG, open_store
from stylefuse.registry.versions import list_versions, versions_table
from tests.support.models import SHAPES, make_model, make_project

NAME = "stylefuse-restore"


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A store with two versions of one model, one of another, and a stranger's."""
    folder = tmp_path_factory.mktemp("listed")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        make_project(folder, "portrait")
        params = load_params()
        assert list_versions(params.registry) == []
        assert not Path("mlflow").exists()
        for blocks in (1, 2):
            shape = {**SHAPES["restore"], "blocks": blocks}
            make_model(folder / "models/restore", "restore", **shape)
            register(params, "restore")
        register(params, "portrait")
        client = open_store(params.registry)
        client.set_model_version_tag(NAME, "2", VERDICT_TAG, "refuse: no better")
        client.create_registered_model("another")
        client.create_model_version("another", source=str(folder / "models/restore"))
        yield params.registry


def test_every_version_of_ours_is_listed_the_newest_first(registry):
    versions = list_versions(registry)
    assert [(v.model, v.number, v.aliases, v.decision) for v in versions] == [
        ("stylefuse-portrait", 1, ("challenger", "champion"), None),
        (NAME, 2, ("challenger",), "refuse: no better"),
        (NAME, 1, ("champion",), None),
    ]
    weights = Path("models/restore/generator.weights.h5").read_bytes()
    assert versions[1].weights == hashlib.sha256(weights).hexdigest()
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", versions[0].created)


def test_the_table_has_a_line_for_each(registry):
    versions = list_versions(registry)
    title, *lines = versions_table(versions).splitlines()
    assert title.split() == [
        "model", "version", "aliases", "created", "(UTC)", "weights", "gate",
    ]  # fmt: skip
    assert lines[1].startswith(f"{NAME:<18}  2 ")
    assert lines[1].endswith(f"{versions[1].weights[:12]}  refuse: no better")
    assert len({line.index(" 20") for line in lines}) == 1
