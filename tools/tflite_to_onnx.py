"""Converts convolutional TensorFlow Lite networks to ONNX.

Maps of TensorFlow Lite have channels last, those of ONNX channels first. Weights become half
precision, which halves the file; the runtime widens them once, when it opens it.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any

import numpy as np
from tensorflow.lite.python import schema_py_generated as schema

from stylefuse.models.onnx_graph import FLOAT, INT64, UINT8, GraphBuilder

NHWC_TO_NCHW, NCHW_TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]
SAME, NO_ACTIVATION, RELU = schema.Padding.SAME, 0, 1
TYPES = {schema.TensorType.FLOAT32: "<f4", schema.TensorType.FLOAT16: "<f2",
         schema.TensorType.INT32: "<i4"}  # fmt: skip
OPERATORS = {value: name for name, value in vars(schema.BuiltinOperator).items() if name.isupper()}


def convert(network: bytes, mean: float, deviation: float, outputs: Sequence[str]) -> bytes:
    """Convert a network of one input picture.

    Args:
        network: a TensorFlow Lite file with one subgraph of the operators that `_Converter` has.
        mean: of levels, 0…255, that the network expects to be subtracted.
        deviation: that it expects them to be divided by.
        outputs: names for the outputs, in their order.

    Returns:
        An ONNX file. Its input is `picture`, uint8 `[1, height, width, 3]`; the outputs have the
        shapes of the network's.

    Raises:
        KeyError: an operator is not known here.
    """
    return _Converter(network).run(mean, deviation, outputs)


class _Converter:
    def __init__(self, network: bytes):
        model = schema.ModelT.InitFromPackedBuf(network, 0)
        (self.subgraph,) = model.subgraphs
        self.tensors, self.buffers = self.subgraph.tensors, model.buffers
        self.operators = [
            OPERATORS[max(code.builtinCode, code.deprecatedBuiltinCode)]
            for code in model.operatorCodes
        ]
        self.graph = GraphBuilder()
        self.maps: dict[int, str] = {}  # tensor → name in ONNX
        self.constants: dict[int, np.ndarray] = {}

    def run(self, mean: float, deviation: float, outputs: Sequence[str]) -> bytes:
        (source,) = self.subgraph.inputs
        picture = self.graph.input("picture", self._shape(source), UINT8)
        levels = self.graph.node("Cast", picture, to=FLOAT)
        centred = self.graph.node("Sub", levels, self.graph.constant(mean))
        scaled = self.graph.node("Div", centred, self.graph.constant(deviation))
        self.maps[source] = self.graph.node("Transpose", scaled, perm=NHWC_TO_NCHW)
        for operator in self.subgraph.operators:
            self._convert(operator)
        for tensor, name in zip(self.subgraph.outputs, outputs, strict=True):
            shape = self._shape(tensor)
            x = self.maps[tensor]
            if len(shape) == 4:
                x = self.graph.node("Transpose", x, perm=NCHW_TO_NHWC)
            self.graph.output(name, x, shape)
        return self.graph.serialized()

    def _convert(self, operator: Any) -> None:
        name = self.operators[operator.opcodeIndex]
        inputs, (output,) = list(operator.inputs), operator.outputs
        if name == "DEQUANTIZE":  # weights that are stored with half precision
            self.constants[output] = self._constant(inputs[0])
            return
        convert: dict[str, Callable[[list[int], Any], str]] = {
            "CONV_2D": self._convolution,
            "DEPTHWISE_CONV_2D": self._depthwise_convolution,
            "PRELU": lambda xs, _: self.graph.node(
                "PRelu", self.maps[xs[0]], self._weights(self._constant(xs[1]).reshape(-1, 1, 1))
            ),
            "RELU": lambda xs, _: self.graph.node("Relu", self.maps[xs[0]]),
            "ADD": lambda xs, _: self.graph.node("Add", *(self.maps[x] for x in xs)),
            "MAX_POOL_2D": self._max_pool,
            "PAD": self._pad,
            "RESHAPE": self._reshape,
            "CONCATENATION": lambda xs, _: self.graph.node(
                "Concat", *(self.maps[x] for x in xs), axis=1
            ),
        }
        self.maps[output] = convert[name](inputs, operator.builtinOptions)
        activation = getattr(operator.builtinOptions, "fusedActivationFunction", NO_ACTIVATION)
        if activation == RELU:
            self.maps[output] = self.graph.node("Relu", self.maps[output])
        elif activation != NO_ACTIVATION:
            raise KeyError(f"activation {activation}")

    def _shape(self, tensor: int) -> list[int]:
        return [int(size) for size in self.tensors[tensor].shape]

    def _constant(self, tensor: int) -> np.ndarray:
        if tensor not in self.constants:
            stored = self.tensors[tensor]
            data = bytes(self.buffers[stored.buffer].data)
            self.constants[tensor] = np.frombuffer(data, TYPES[stored.type]).reshape(stored.shape)
        return self.constants[tensor]

    def _weights(self, values: np.ndarray) -> str:
        return str(self.graph.node("Cast", self.graph.constant(values, np.float16), to=FLOAT))

    def _pads(self, tensor: int, kernel: Sequence[int], options: Any) -> list[int]:
        """TensorFlow's padding, which at a stride may be wider below and to the right."""
        if options.padding != SAME:
            return [0] * 4
        sizes = self.tensors[tensor].shape[1:3]
        strides = options.strideH, options.strideW
        total = [
            max(0, (-(-n // s) - 1) * s + k - n)
            for n, s, k in zip(sizes, strides, kernel, strict=True)
        ]
        return [int(n) for n in (*(n // 2 for n in total), *(n - n // 2 for n in total))]

    def _convolve(self, inputs: list[int], kernel: np.ndarray, groups: int, options: Any) -> str:
        size = kernel.shape[2:]
        biases = [self._weights(self._constant(tensor)) for tensor in inputs[2:]]
        return str(
            self.graph.node(
                "Conv", self.maps[inputs[0]], self._weights(kernel), *biases,
                kernel_shape=[int(n) for n in size], strides=[options.strideH, options.strideW],
                pads=self._pads(inputs[0], size, options), group=int(groups),
            )
        )  # fmt: skip

    def _convolution(self, inputs: list[int], options: Any) -> str:
        kernel = self._constant(inputs[1]).transpose(0, 3, 1, 2)  # out, height, width, in
        return self._convolve(inputs, kernel, 1, options)

    def _depthwise_convolution(self, inputs: list[int], options: Any) -> str:
        kernel = self._constant(inputs[1]).transpose(3, 0, 1, 2)  # 1, height, width, out
        return self._convolve(inputs, kernel, self.tensors[inputs[0]].shape[3], options)

    def _max_pool(self, inputs: list[int], options: Any) -> str:
        size = [options.filterHeight, options.filterWidth]
        strides, pads = [options.strideH, options.strideW], self._pads(inputs[0], size, options)
        x = self.maps[inputs[0]]
        return str(self.graph.node("MaxPool", x, kernel_shape=size, strides=strides, pads=pads))

    def _pad(self, inputs: list[int], _: Any) -> str:
        widths = self._constant(inputs[1])[NHWC_TO_NCHW]
        pads = self.graph.constant([*chain(widths[:, 0], widths[:, 1])], INT64)
        return str(self.graph.node("Pad", self.maps[inputs[0]], pads))

    def _reshape(self, inputs: list[int], options: Any) -> str:
        last = self.graph.node("Transpose", self.maps[inputs[0]], perm=NCHW_TO_NHWC)
        return self.graph.reshape(last, *options.newShape)
