"""A trained model's files are compared with its manifest before the runtime sees them."""

import json
import os

import onnx
import pytest
from onnx import TensorProto, helper

from stylefuse.errors import UserError
from stylefuse.fileio import sha256
from stylefuse.inference.model_folder import ModelFolder, weights_hash
from stylefuse.inference.predictor import find_predictor, load_predictor
from stylefuse.models.saving import load_generator
from tests.support.models import make_model, sign


@pytest.fixture
def folder(tmp_path):
    return make_model(tmp_path / "restore", "restore")


def error_of(folder):
    with pytest.raises(UserError) as error:
        load_predictor(folder)
    assert "\n" not in str(error.value)
    return error.value


def test_weights_are_named_but_need_not_be_there(folder):
    expected = weights_hash(folder)
    (folder / "generator.weights.h5").unlink()
    assert ModelFolder(folder).weights == weights_hash(folder) == expected
    assert load_predictor(folder).name == "restore"


def test_a_model_without_graphs_says_how_to_export_them(folder):
    (folder / "restorer.onnx").unlink()
    sign(folder, **{"restorer.onnx": None})
    error = error_of(folder)
    assert error.code == "model-not-exported"
    assert f"python -m stylefuse.models {folder}" in str(error)


def test_a_missing_graph_is_named(folder):
    (folder / "restorer.onnx").unlink()
    assert error_of(folder).code == "model-missing"


def test_a_graph_that_was_changed_is_refused(folder):
    with (folder / "restorer.onnx").open("ab") as file:
        file.write(b"!")
    assert error_of(folder).code == "model-changed"


@pytest.mark.parametrize("name", ["../models/restore", "os", "gone", "", 3, None])
def test_a_configuration_names_no_other_module(folder, name):
    (folder / "config.json").write_text(json.dumps({"model": name}))
    sign(folder, **{"config.json": sha256(folder / "config.json")})
    assert error_of(folder).code == "model-incompatible"


@pytest.mark.parametrize("name", ["/dev/zero", "../secret", "pipe", "link", "below", "..", ""])
def test_a_manifest_names_only_files_of_the_folder(folder, name):
    (folder.parent / "secret").write_text("1234")
    (folder / "link").symlink_to("../secret")
    (folder / "below").mkdir()
    os.mkfifo(folder / "pipe")
    sign(folder, **{name: "0" * 64})
    assert error_of(folder).code == "model-unreadable"


@pytest.mark.parametrize("name", ["manifest.json", "config.json"])
def test_a_pipe_in_the_place_of_a_file_is_not_opened(folder, name):
    (folder / name).unlink()
    os.mkfifo(folder / name)
    assert error_of(folder).code == "model-unreadable"


DAMAGED = ["[1]", "{", "", "3", "[" * 200_000, "{" + " " * 2_000_000 + "}"]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_manifest_is_refused(folder, text):
    (folder / "manifest.json").write_text(text)
    assert error_of(folder).code == "model-unreadable"


@pytest.mark.parametrize("checksum", [[1], {"a": 1}, 3])
def test_a_checksum_of_another_type_is_refused(folder, checksum):
    sign(folder, **{"config.json": checksum})
    assert error_of(folder).code == "model-changed"


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_configuration_is_refused(folder, text):
    (folder / "config.json").write_text(text)
    sign(folder, **{"config.json": sha256(folder / "config.json")})
    assert error_of(folder).code == "model-unreadable"
    with pytest.raises(UserError) as error:
        load_generator(folder)
    assert error.value.code == "model-unreadable"


def hostile_graphs(secret):
    """Graphs that must not run, by name: checksums fit, as those of a signed version would."""
    picture = helper.make_tensor_value_info("picture", TensorProto.UINT8, [1, "h", "w", 3])
    output = helper.make_tensor_value_info("restored", TensorProto.UINT8, [1, "h", "w", 3])
    external = onnx.TensorProto(
        name="secret", data_type=TensorProto.UINT8, dims=[4], data_location=TensorProto.EXTERNAL
    )
    external.external_data.add(key="location", value=str(secret))
    add = helper.make_node("Add", ["picture", "secret"], ["restored"])
    odd = helper.make_node("Odd", ["picture"], ["restored"], domain="no.such")
    graphs = {
        "external data": helper.make_graph([add], "g", [picture], [output], [external]),
        "unknown operator": helper.make_graph([odd], "g", [picture], [output]),
    }
    return {
        name: helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("no.such", 1)],
            ir_version=9,
        ).SerializeToString()
        for name, graph in graphs.items()
    } | {"no graph": b"no graph", "empty": b""}


@pytest.mark.parametrize("name", ["external data", "unknown operator", "no graph", "empty"])
def test_a_graph_that_is_none_of_ours_is_refused(folder, tmp_path, name):
    secret = tmp_path / "secret"
    secret.write_bytes(b"1234")
    (folder / "restorer.onnx").write_bytes(hostile_graphs(secret)[name])
    sign(folder, **{"restorer.onnx": sha256(folder / "restorer.onnx")})
    assert error_of(folder).code == "model-unreadable"


def test_an_unknown_model_has_no_predictor():
    with pytest.raises(ModuleNotFoundError):
        find_predictor("tiles")
