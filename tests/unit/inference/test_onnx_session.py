"""A graph reads nothing but its own bytes, wherever in it the reference to another file is."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from stylefuse.errors import UserError
from stylefuse.inference.onnx_session import OnnxGraph

PICTURE = helper.make_tensor_value_info("picture", TensorProto.UINT8, [4])
RESULT = helper.make_tensor_value_info("result", TensorProto.UINT8, [4])
XOR = helper.make_node("BitwiseXor", ["picture", "secret"], ["result"])


def external(location):
    """A tensor whose four bytes are in another file."""
    tensor = onnx.TensorProto(
        name="secret", data_type=TensorProto.UINT8, dims=[4], data_location=TensorProto.EXTERNAL
    )
    tensor.external_data.add(key="location", value=location)
    return tensor


def constant(tensor):
    """A node whose output is a tensor."""
    node = helper.make_node("Constant", [], ["secret"])
    node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR).t.CopyFrom(tensor)
    return node


def model(nodes, initializers=(), functions=(), sparse=()):
    """The bytes of a model that computes `result` from `picture`."""
    graph = helper.make_graph(nodes, "graph", [PICTURE], [RESULT], initializers)
    graph.sparse_initializer.extend(sparse)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("own", 1)]
    made = helper.make_model(graph, opset_imports=opsets, functions=functions, ir_version=9)
    return made.SerializeToString()


def as_initializer(tensor):
    return model([XOR], [tensor])


def as_attribute(tensor):
    return model([constant(tensor), XOR])


def as_sparse_initializer(tensor):
    indices = helper.make_tensor("", TensorProto.INT64, [4], [0, 1, 2, 3])
    return model([XOR], sparse=[onnx.SparseTensorProto(values=tensor, indices=indices, dims=[4])])


def in_a_function(tensor):
    opsets = [helper.make_opsetid("", 18)]
    function = helper.make_function(
        "own", "Xor", ["picture"], ["result"], [constant(tensor), XOR], opsets
    )
    return model(
        [helper.make_node("Xor", ["picture"], ["result"], domain="own")], functions=[function]
    )


def in_a_branch(tensor):
    def branch(name):
        output = helper.make_tensor_value_info(name, TensorProto.UINT8, [4])
        copy = helper.make_node("Identity", ["secret"], [name])
        return helper.make_graph([copy], name, [], [output], [tensor])

    truth = helper.make_tensor("", TensorProto.BOOL, [], [True])
    condition = helper.make_node("Constant", [], ["condition"], value=truth)
    choice = helper.make_node(
        "If", ["condition"], ["result"], then_branch=branch("a"), else_branch=branch("b")
    )
    return model([condition, choice])


PLACES = [as_initializer, as_attribute, as_sparse_initializer, in_a_function, in_a_branch]


def graph_of(content):
    """The graph in a file with these bytes, and with a checksum that fits."""
    Path("graph.onnx").write_bytes(content)
    return OnnxGraph(Path("graph.onnx"), hashlib.sha256(content).hexdigest())


@pytest.fixture(autouse=True)
def secret(tmp_path, monkeypatch):
    """A file in the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("secret.bin").write_bytes(b"1234")


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("location", ["secret.bin", "./secret.bin", "/dev/zero", "../secret.bin"])
def test_no_file_of_the_machine_is_read(place, location):
    with pytest.raises(UserError) as error:
        graph_of(place(external(location)))
    assert error.value.code == "model-unreadable"


@pytest.mark.parametrize("place", PLACES)
def test_the_runtime_would_read_it_by_default(place):
    session = onnxruntime.InferenceSession(place(external("secret.bin")))
    (result,) = session.run(None, {"picture": np.zeros(4, np.uint8)})
    assert result.tobytes() == b"1234"


def test_the_runtimes_own_format_is_refused():
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = "graph.ort"
    options.add_session_config_entry("session.save_model_format", "ORT")
    own = helper.make_tensor("secret", TensorProto.UINT8, [4], [1, 2, 3, 4])
    onnxruntime.InferenceSession(as_initializer(own), options)
    with pytest.raises(UserError) as error:
        graph_of(Path("graph.ort").read_bytes())
    assert error.value.code == "model-unreadable"


def test_tensors_in_the_graph_itself_are_read():
    own = helper.make_tensor("secret", TensorProto.UINT8, [4], [1, 2, 3, 4])
    for place in PLACES:
        result = graph_of(place(own))(picture=np.zeros(4, np.uint8))["result"]
        np.testing.assert_array_equal(result, [1, 2, 3, 4])
