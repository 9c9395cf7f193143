"""Builds ONNX graphs from trained layers.

Networks are exported by hand instead of through a converter: the graphs have channels first, fused
normalisation and no operation that computes shapes, and take about two thirds of the time of those
that tf2onnx makes. `stylefuse.models.export` compares every graph with its Keras network.

Maps in a graph are `[1, channels, height, width]`; pictures are uint8 `[1, height, width, 3]`.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from stylefuse.models.layers.convolution import LEAKY_SLOPE

OPSET, IR_VERSION = 18, 9
FLOAT, UINT8 = TensorProto.FLOAT, TensorProto.UINT8
INT64 = np.int64
Shape = Sequence[int | str]


class GraphBuilder:
    """Collects the nodes of a graph; methods take and return names of tensors."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, shape: Shape, kind: int = FLOAT, default: Any = None) -> str:
        """Declare an input; a string in the shape is a size that may vary.

        Args:
            name: of the input.
            shape: of its values.
            kind: ONNX's data type.
            default: a float input's value where none is given; None requires one.
        """
        if default is not None:
            self._constants.append(numpy_helper.from_array(np.asarray(default, np.float32), name))
        self._inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def output(self, name: str, tensor: str, shape: Shape, kind: int = FLOAT) -> None:
        """Declare an output."""
        self._nodes.append(helper.make_node("Identity", [tensor], [name]))
        self._outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def constant(self, value: Any, dtype: type = np.float32) -> str:
        """A constant tensor."""
        name = f"constant_{len(self._constants)}"
        array: np.ndarray = np.ascontiguousarray(np.asarray(value), dtype)
        self._constants.append(numpy_helper.from_array(array, name))
        return name

    def node(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Append a node; returns the name of its output, or a list of several."""
        names = [f"node_{len(self._nodes)}_{i}" for i in range(outputs)]
        self._nodes.append(helper.make_node(operator, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def serialized(self) -> bytes:
        """The graph as a file's content; the same graph gives the same bytes.

        Raises:
            onnx.checker.ValidationError: the graph is not valid.
        """
        graph = helper.make_graph(
            self._nodes, "graph", self._inputs, self._outputs, self._constants
        )
        opset = [helper.make_opsetid("", OPSET)]
        model = helper.make_model(
            graph, opset_imports=opset, ir_version=IR_VERSION, producer_name="stylefuse"
        )
        onnx.checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString(deterministic=True)
        return content

    def read_picture(self, name: str) -> str:
        """An input picture, uint8 `[1, height, width, 3]`, as a map from −1 to 1."""
        picture = self.input(name, [1, f"{name}_height", f"{name}_width", 3], UINT8)
        levels = self.node("Cast", picture, to=FLOAT)
        values = self.node("Sub", self.node("Div", levels, self.constant(127.5)), self.constant(1))
        return str(self.node("Transpose", values, perm=[0, 3, 1, 2]))

    def write_picture(self, name: str, x: str, batch: int | str = 1) -> None:
        """Declare a map from −1 to 1 as an output picture, uint8 `[batch, height, width, 3]`."""
        levels = self.node("Mul", self.node("Add", x, self.constant(1)), self.constant(127.5))
        rounded = self.node("Round", self.node("Clip", levels, *map(self.constant, (0, 255))))
        picture = self.node("Cast", self.node("Transpose", rounded, perm=[0, 2, 3, 1]), to=UINT8)
        self.output(name, picture, [batch, f"{name}_height", f"{name}_width", 3], UINT8)

    def pad(self, x: str, border: int, mode: str = "reflect") -> str:
        """Add a border to a map: "reflect", "edge", or zeros if "constant"."""
        if not border:
            return x
        widths = [0, 0, border, border] * 2
        return str(self.node("Pad", x, self.constant(widths, INT64), mode=mode))

    def convolution(self, x: str, layer: Any) -> str:
        """An `EqualConv2D` with kernels of even size only at stride 2."""
        kernel, bias = np.asarray(layer.kernel) * layer.scale, np.asarray(layer.bias)
        border = (layer.kernel_size - 1) // 2
        mode = "reflect" if layer.padding == "reflect" else "constant"
        padded = self.pad(x, border, mode)
        return self.raw_convolution(padded, kernel, bias, layer.stride)

    def raw_convolution(
        self, x: str, kernel: np.ndarray, bias: np.ndarray | None = None, stride: int = 1
    ) -> str:
        """A convolution without padding; the kernel is `[height, width, inputs, outputs]`."""
        weights = self.constant(np.transpose(kernel, (3, 2, 0, 1)))
        biases = [] if bias is None else [self.constant(bias)]
        return str(
            self.node(
                "Conv", x, weights, *biases,
                kernel_shape=list(kernel.shape[:2]), strides=[stride, stride],
            )
        )  # fmt: skip

    def rotated(self, weights: str) -> str:
        """The weights of a convolution's gradient: rotated, with inputs and outputs exchanged. They
        are computed once, when the graph is opened."""
        exchanged = self.node("Transpose", weights, perm=[1, 0, 2, 3])
        starts, ends = [-1, -1], [np.iinfo(INT64).min] * 2
        bounds = (self.constant(values, INT64) for values in (starts, ends, [2, 3], [-1, -1]))
        return str(self.node("Slice", exchanged, *bounds))

    def dense(self, x: str, layer: Any) -> str:
        """An `EqualDense` of `[…, inputs]`."""
        kernel = self.constant(np.asarray(layer.kernel) * layer.scale)
        product = self.node("MatMul", x, kernel)
        return str(self.node("Add", product, self.constant(np.asarray(layer.bias))))

    def activate(self, x: str) -> str:
        """The networks' leaky ReLU."""
        return str(self.node("LeakyRelu", x, alpha=LEAKY_SLOPE))

    def upsample(self, x: str) -> str:
        """Double height and width by nearest-neighbour interpolation."""
        return str(
            self.node(
                "Resize", x, "", self.constant([1, 1, 2, 2]),
                mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
            )
        )  # fmt: skip

    def mean(self, x: str, *axes: int, keep: bool = True) -> str:
        """The mean over axes."""
        return str(self.node("ReduceMean", x, self.constant(axes, INT64), keepdims=int(keep)))

    def slice(self, x: str, first: int, last: int, axis: int = 1) -> str:
        """The part of a tensor from `first` to before `last` of an axis."""
        bounds = (self.constant([value], INT64) for value in (first, last, axis))
        return str(self.node("Slice", x, *bounds))

    def add_axes(self, x: str, *axes: int) -> str:
        """Insert axes of length 1."""
        return str(self.node("Unsqueeze", x, self.constant(axes, INT64)))

    def remove_axes(self, x: str, *axes: int) -> str:
        """Remove axes of length 1."""
        return str(self.node("Squeeze", x, self.constant(axes, INT64)))

    def reshape(self, x: str, *shape: int) -> str:
        """0 keeps a size, −1 is what is left."""
        return str(self.node("Reshape", x, self.constant(shape, INT64)))
