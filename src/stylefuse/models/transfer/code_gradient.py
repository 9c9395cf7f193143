"""The gradient of the transfer decoder with respect to a style code, as an ONNX graph.

ONNX Runtime does not differentiate, so the graph has the backward pass written out: of a
convolution the convolution with its kernel rotated and its channels exchanged, of a mirrored border
the sum with what it mirrors, of instance normalisation that of Ioffe & Szegedy 2015 (section 3) for
one picture.
"""

from typing import Any, NamedTuple

import numpy as np

from stylefuse.images.colour import OPPONENT
from stylefuse.models.layers.convolution import LEAKY_SLOPE
from stylefuse.models.layers.normalization import VARIANCE_FLOOR
from stylefuse.models.onnx_graph import FLOAT, INT64, GraphBuilder
from stylefuse.models.transfer.style_layers import code_places, code_size

END = np.iinfo(INT64).max


class _Styled(NamedTuple):
    """A convolution whose result was normalised and restyled, for the backward pass.

    Attributes:
        weights: of the convolution.
        normalised: its result, normalised.
        deviation: that it was divided by.
        scale: of the style.
        result: the map with the style's scale and shift.
    """

    weights: str
    normalised: str
    deviation: str
    scale: str
    result: str


def code_gradient_graph(generator: Any) -> bytes:
    """Build the graph.

    Inputs: the content maps and the `code` of the graph `decoder`; `picture_gradient`
    `[1, height, width, 3]`, the gradient of a loss towards the painted picture in 0…1. Output:
    `code_gradient` `[1, n]`. Numbers of the picture that are clipped contribute nothing to it.
    """
    graph, width, size = GraphBuilder(), generator.width, code_size(generator)
    content = [
        graph.input(name, [1, channels, f"height_{stride}", f"width_{stride}"])
        for name, channels, stride in (
            ("palette", 3, 1), ("map_1", width, 1), ("map_2", 2 * width, 2), ("map_4", 4 * width, 4)
        )
    ]  # fmt: skip
    code = graph.input("code", [1, size])
    gradient = graph.input("picture_gradient", [1, "height_1", "width_1", 3])
    decoder = _Decoder(graph, generator, code)
    decoder.forward(*content)
    graph.output("code_gradient", decoder.backward(gradient), [1, size])
    return graph.serialized()


class _Decoder:
    """Both passes of the decoder.

    Args:
        graph: that the nodes are added to.
        generator: whose decoder it is.
        code: a style's.
    """

    def __init__(self, graph: GraphBuilder, generator: Any, code: str):
        self.graph, self.generator, self.code = graph, generator, code
        self.places = iter(code_places(generator))
        self.blocks: list[tuple[_Styled, _Styled]] = []
        self.fine: list[_Styled] = []
        self.style_gradients: list[str] = []  # in the order of the code

    def forward(self, palette: str, map_1: str, map_2: str, map_4: str) -> None:
        graph, generator, h = self.graph, self.generator, map_4
        for block in generator.blocks:
            first = self._styled(h, block.first)
            second = self._styled(graph.activate(first.result), block.second)
            h = graph.node("Add", h, second.result)
            self.blocks.append((first, second))
        for detail, up, skip in (
            (map_2, generator.up_2, generator.skip_2),
            (map_1, generator.up_1, generator.skip_1),
        ):
            step = self._styled(graph.upsample(h), up, graph.convolution(detail, skip))
            h = graph.activate(step.result)
            self.fine.append(step)
        self.last = self._styled(h, generator.last)
        h = graph.activate(self.last.result)
        painted, self.paint_weights = self._convolved(h, generator.paint)
        self.painted = graph.node("Add", palette, painted)

    def backward(self, picture_gradient: str) -> str:
        """The gradient towards the code."""
        graph = self.graph
        mean, deviation = (graph.add_axes(graph.slice(self.code, i, i + 3), 2, 3) for i in (0, 3))
        coloured = graph.node("Add", graph.node("Mul", self.painted, deviation), mean)
        rgb = graph.raw_convolution(coloured, OPPONENT.T[None, None])
        shown = graph.node("Less", graph.node("Abs", rgb), graph.constant(1))
        g = graph.node("Transpose", picture_gradient, perm=[0, 3, 1, 2])
        g = graph.node("Mul", g, graph.node("Cast", shown, to=FLOAT))
        g = graph.raw_convolution(g, OPPONENT[None, None] / 2)  # the picture is (rgb + 1) / 2
        palette = self._sum(g), self._sum(graph.node("Mul", g, self.painted))
        g = self._through_convolution(graph.node("Mul", g, deviation), self.paint_weights)
        g = self._through(self.last, self._through_activation(self.last, g))
        for step in reversed(self.fine):
            g = self._through(step, self._through_activation(step, g))
            quarter = graph.node("AveragePool", g, kernel_shape=[2, 2], strides=[2, 2])
            g = graph.node("Mul", quarter, graph.constant(4))
        for first, second in reversed(self.blocks):
            inner = self._through_activation(first, self._through(second, g))
            g = graph.node("Add", g, self._through(first, inner))
        return str(graph.node("Concat", *palette, *self.style_gradients, axis=1))

    def _convolved(self, x: str, layer: Any) -> tuple[str, str]:
        """The result of a convolution of 3×3 with a mirrored border, and its weights."""
        kernel, bias = np.asarray(layer.kernel) * layer.scale, np.asarray(layer.bias)
        weights = self.graph.constant(np.transpose(kernel, (3, 2, 0, 1)))
        inputs = self.graph.pad(x, 1), weights, self.graph.constant(bias)
        return self.graph.node("Conv", *inputs, kernel_shape=[3, 3]), weights

    def _styled(self, x: str, layer: Any, added: str = "") -> _Styled:
        graph = self.graph
        x, weights = self._convolved(x, layer)
        x = graph.node("Add", x, added) if added else x
        start, middle, end = next(self.places)
        scale, shift = (
            graph.add_axes(graph.slice(self.code, *bounds), 2, 3)
            for bounds in ((start, middle), (middle, end))
        )
        scale = graph.node("Add", scale, graph.constant(1))
        centred = graph.node("Sub", x, graph.mean(x, 2, 3))
        variance = graph.mean(graph.node("Mul", centred, centred), 2, 3)
        deviation = graph.node("Sqrt", graph.node("Add", variance, graph.constant(VARIANCE_FLOOR)))
        normalised = graph.node("Div", centred, deviation)
        result = graph.node("Add", graph.node("Mul", normalised, scale), shift)
        return _Styled(weights, normalised, deviation, scale, result)

    def _through(self, step: _Styled, g: str) -> str:
        """From the gradient towards a step's result, those towards its style and its input."""
        graph = self.graph
        product = graph.node("Mul", g, step.normalised)
        self.style_gradients[:0] = self._sum(product), self._sum(g)
        along = graph.node("Mul", step.normalised, graph.mean(product, 2, 3))
        rest = graph.node("Sub", graph.node("Sub", g, graph.mean(g, 2, 3)), along)
        g = graph.node("Mul", rest, graph.node("Div", step.scale, step.deviation))
        return self._through_convolution(g, step.weights)

    def _through_activation(self, step: _Styled, g: str) -> str:
        graph = self.graph
        positive = graph.node("Greater", step.result, graph.constant(0))
        return str(
            graph.node("Where", positive, g, graph.node("Mul", g, graph.constant(LEAKY_SLOPE)))
        )

    def _through_convolution(self, g: str, weights: str) -> str:
        rotated = self.graph.rotated(weights)
        padded = self.graph.node("Conv", g, rotated, kernel_shape=[3, 3], pads=[2] * 4)
        return self._folded(self._folded(padded, 2), 3)

    def _folded(self, x: str, axis: int) -> str:
        """Without the first and the last row or column, which mirror the third ones."""
        spans = (1, 2), (2, 3), (3, -3), (-3, -2), (-2, -1), (0, 1), (-1, END)
        parts = [self.graph.slice(x, *span, axis) for span in spans]
        second = self.graph.node("Add", parts[1], parts[5])
        second_last = self.graph.node("Add", parts[3], parts[6])
        inner = parts[0], second, parts[2], second_last, parts[4]
        return str(self.graph.node("Concat", *inner, axis=axis))

    def _sum(self, x: str) -> str:
        """Over the places of a map, `[1, channels]`."""
        axes = self.graph.constant((2, 3), INT64)
        return str(self.graph.node("ReduceSum", x, axes, keepdims=0))
