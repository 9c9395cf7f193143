"""The software bill of materials is valid, complete, and the same each time."""

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
    write_sbom(path, "tensorflow")
    return path.read_text()


def test_it_is_valid(text):
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_it_is_the_same_each_time(text, tmp_path):
    write_sbom(tmp_path / "again.json", "tensorflow")
    assert (tmp_path / "again.json").read_text() == text


def test_it_lists_the_installed_packages_that_the_lock_pins(text):
    lock = (ROOT / "requirements.lock").read_text()
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, flags=re.MULTILINE))
    document = json.loads(text)
    components = {component["name"]: component for component in document["components"]}
    for name in ("keras", "tensorflow-cpu", "mlflow", "numpy", "h5py", "protobuf"):
        assert components[name]["version"] == version(name) == pinned[name]
        assert components[name]["purl"] == f"pkg:pypi/{name}@{version(name)}"
        assert components[name]["licenses"]
    assert components.keys() <= pinned.keys()
    assert "pytest" not in components  # nothing that only developers need
    assert document["metadata"]["component"]["name"] == "stylefuse"


def test_it_lists_the_dependencies_of_each_package(text):
    document = json.loads(text)
    dependencies = {part["ref"]: part.get("dependsOn", []) for part in document["dependencies"]}
    keras = f"keras=={version('keras')}"
    assert keras in dependencies[f"stylefuse=={version('stylefuse')}"]
    assert f"h5py=={version('h5py')}" in dependencies[keras]


def test_the_backend_that_trained_is_listed(text, tmp_path):
    write_sbom(tmp_path / "sbom.json", "jax")

    def names(text):
        return {component["name"] for component in json.loads(text)["components"]}

    assert names((tmp_path / "sbom.json").read_text()) - names(text) >= {"jax", "jaxlib"}
