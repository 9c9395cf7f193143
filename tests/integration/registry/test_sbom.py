"""The list of packages is valid, whole, and the same each time."""

import json
import re
from importlib.metadata import version

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from stylefuse.registry.integrity.sbom import write_sbom
from tests.support.clone import ROOT


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    path = tmp_path_factory.mktemp("sbom") / "sbom.json"
    write_sbom(path)
    return path.read_text()


def test_it_is_valid(text):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_it_is_the_same_each_time(text, tmp_path):
    write_sbom(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == text


def test_it_has_what_is_installed_of_what_the_lock_pins(text):
    lock = (ROOT / "requirements.lock").read_text()
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, flags=re.MULTILINE))
    told = json.loads(text)
    components = {part["name"]: part for part in told["components"]}
    for name in ("keras", "tensorflow-cpu", "mlflow", "numpy", "h5py", "protobuf"):
        assert components[name]["version"] == version(name) == pinned[name]
        assert components[name]["purl"] == f"pkg:pypi/{name}@{version(name)}"
        assert components[name]["licenses"]
    assert components.keys() <= pinned.keys()
    assert "pytest" not in components  # nothing that only developers need
    assert told["metadata"]["component"]["name"] == "stylefuse"


def test_it_tells_who_needs_whom(text):
    told = json.loads(text)
    needs = {part["ref"]: part.get("dependsOn", []) for part in told["dependencies"]}
    keras = f"keras=={version('keras')}"
    assert keras in needs[f"stylefuse=={version('stylefuse')}"]
    assert f"h5py=={version('h5py')}" in needs[keras]


def test_the_backend_that_trained_is_among_them(tmp_path, monkeypatch):
    def names(backend):
        monkeypatch.setenv("KERAS_BACKEND", backend)
        write_sbom(tmp_path / "sbom.json")
        return {
            part["name"] for part in json.loads((tmp_path / "sbom.json").read_text())["components"]
        }

    assert names("jax") - names("tensorflow") >= {"jax", "jaxlib"}
