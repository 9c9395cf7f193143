"""ONNX graphs of the transfer generator.

`style_encoder` encodes a style. `content_encoder` and `decoder` paint a picture at once. Their
variants `…_measure` also return the feature statistics that the picture was normalised with, and
`…_tile` normalise with given ones; see `stylefuse.inference.stylizer`. The decoders of the variants
take a style per region. `code_gradient` serves the learning of styles.

A code in the graphs is the palette, the mean and the deviation of the opponent colours, followed by
scale and shift of the channels of each `AdaptiveInstanceNorm`, in the order of the decoder. It
follows linearly from the code in Keras, so that both mix alike; but here each layer's style can be
learned by itself.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from stylefuse.images.colour import OPPONENT
from stylefuse.models.layers.normalization import VARIANCE_FLOOR
from stylefuse.models.onnx_graph import GraphBuilder
from stylefuse.models.transfer.code_gradient import code_gradient_graph
from stylefuse.models.transfer.style_layers import code_places, code_size, style_layers

STRIDES = 1, 2, 4


def graphs(generator: Any) -> dict[str, bytes]:
    """The content of each file, by the name of the graph."""
    return {
        "style_encoder": _style_encoder(generator),
        "content_encoder": _content_encoder(generator, OwnStatistics),
        "content_encoder_measure": _content_encoder(generator, MeasuredStatistics),
        "content_encoder_tile": _content_encoder(generator, GivenStatistics),
        "decoder": _decoder(generator, OwnStatistics, by_region=False),
        "decoder_measure": _decoder(generator, MeasuredStatistics, by_region=True),
        "decoder_tile": _decoder(generator, GivenStatistics, by_region=True),
        "code_gradient": code_gradient_graph(generator),
    }


class OwnStatistics:
    """Normalises maps by their own statistics.

    Args:
        graph: that the nodes are added to.
    """

    def __init__(self, graph: GraphBuilder):
        self.graph = graph

    def normalize(self, x: str, channels: int, scale: str = "", shift: str = "") -> str:
        """Instance normalisation, then a scale and a shift `[channels]`, by default none."""
        scale = scale or self.graph.constant(np.ones(channels))
        shift = shift or self.graph.constant(np.zeros(channels))
        return str(
            self.graph.node("InstanceNormalization", x, scale, shift, epsilon=VARIANCE_FLOOR)
        )

    def finish(self) -> None:
        """Declare the statistics as an output, if they are one."""


class MeasuredStatistics(OwnStatistics):
    """The same, with an output `statistics` `[1, n]`: the mean and the deviation of each layer."""

    def __init__(self, graph: GraphBuilder):
        super().__init__(graph)
        self.measured: list[str] = []
        self.count = 0

    def normalize(self, x: str, channels: int, scale: str = "", shift: str = "") -> str:
        graph = self.graph
        mean = graph.mean(x, 2, 3)
        centred = graph.node("Sub", x, mean)
        variance = graph.mean(graph.node("Mul", centred, centred), 2, 3)
        deviation = graph.node("Sqrt", graph.node("Add", variance, graph.constant(VARIANCE_FLOOR)))
        self.measured += [graph.reshape(value, 1, -1) for value in (mean, deviation)]
        self.count += 2 * channels
        return _scaled(graph, graph.node("Div", centred, deviation), scale, shift)

    def finish(self) -> None:
        statistics = self.graph.node("Concat", *self.measured, axis=1)
        self.graph.output("statistics", statistics, [1, self.count])


class GivenStatistics(OwnStatistics):
    """Normalises by the input `statistics`, which has the form that `MeasuredStatistics` gives."""

    def __init__(self, graph: GraphBuilder):
        super().__init__(graph)
        self.used = 0

    def normalize(self, x: str, channels: int, scale: str = "", shift: str = "") -> str:
        graph, first = self.graph, self.used
        self.used += 2 * channels
        bounds = (first, first + channels), (first + channels, self.used)
        mean, deviation = (
            graph.reshape(graph.slice("statistics", *span), 1, channels, 1, 1) for span in bounds
        )
        centred = graph.node("Sub", x, mean)
        return _scaled(graph, graph.node("Div", centred, deviation), scale, shift)

    def finish(self) -> None:
        self.graph.input("statistics", [1, self.used])


Statistics = Callable[[GraphBuilder], OwnStatistics]


def _scaled(graph: GraphBuilder, x: str, scale: str, shift: str) -> str:
    return str(graph.node("Add", graph.node("Mul", x, scale), shift)) if scale else x


def _style_encoder(generator: Any) -> bytes:
    graph = GraphBuilder()
    h = graph.read_picture("picture")
    statistics = MeasuredStatistics(graph)
    statistics.normalize(_to_opponent(graph, h), 3)
    for layer in generator.style_convs:
        h = graph.activate(graph.convolution(h, layer))
    learned = graph.dense(graph.mean(h, 2, 3, keep=False), generator.style_out)
    encoded = graph.node("Concat", *statistics.measured, learned, axis=1)
    affine = [graph.dense(encoded, layer.affine) for layer in style_layers(generator)]
    code = graph.node("Concat", *statistics.measured, *affine, axis=1)
    graph.output("code", code, [1, code_size(generator)])
    return graph.serialized()


def _content_encoder(generator: Any, make_statistics: Statistics) -> bytes:
    graph = GraphBuilder()
    statistics = make_statistics(graph)
    x = graph.read_picture("picture")
    palette = graph.pad(statistics.normalize(_to_opponent(graph, x), 3), 4)
    for _ in range(2):
        palette = graph.node("AveragePool", palette, kernel_shape=[5, 5])
    graph.output("palette", palette, [1, 3, "height_1", "width_1"])
    h = x
    for layer, stride in zip(generator.content_convs, STRIDES, strict=True):
        h = graph.activate(statistics.normalize(graph.convolution(h, layer), layer.filters))
        size = f"height_{stride}", f"width_{stride}"
        graph.output(f"map_{stride}", h, [1, layer.filters, *size])
    statistics.finish()
    return graph.serialized()


def _decoder(generator: Any, make_statistics: Statistics, by_region: bool) -> bytes:
    """Codes are `[styles, n]`, and regions `[1, styles, height, width]` at each stride."""
    graph = GraphBuilder()
    statistics = make_statistics(graph)
    width, size = generator.width, code_size(generator)
    places = iter(code_places(generator))
    palette = graph.input("palette", [1, 3, "height_1", "width_1"])
    maps = {
        stride: graph.input(
            f"map_{stride}", [1, stride * width, f"height_{stride}", f"width_{stride}"]
        )
        for stride in STRIDES
    }
    styles = "styles" if by_region else 1
    code, stroke_code = (graph.input(name, [styles, size]) for name in ("code", "stroke_code"))
    regions = {}
    if by_region:
        regions = {
            stride: graph.input(
                f"regions_{stride}", [1, styles, f"rows_{stride}", f"columns_{stride}"]
            )
            for stride in STRIDES
        }

    def restyle(x: str, channels: int, codes: str, stride: int) -> str:
        """The next `AdaptiveInstanceNorm`."""
        parts = [graph.slice(codes, *bounds) for bounds in pairwise(next(places))]
        if by_region:
            parts = [_by_region(graph, part, regions[stride]) for part in parts]
        else:
            parts = [graph.remove_axes(part, 0) for part in parts]
        scale = graph.node("Add", parts[0], graph.constant(1))
        return statistics.normalize(x, channels, scale, parts[1])

    h = maps[4]
    for block in generator.blocks:
        first = graph.convolution(h, block.first)
        inner = graph.activate(restyle(first, 4 * width, code, 4))
        second = graph.convolution(inner, block.second)
        h = graph.node("Add", h, restyle(second, 4 * width, code, 4))
    for stride, up, skip in (
        (2, generator.up_2, generator.skip_2),
        (1, generator.up_1, generator.skip_1),
    ):
        upsampled = graph.convolution(graph.upsample(h), up)
        joined = graph.node("Add", upsampled, graph.convolution(maps[stride], skip))
        h = graph.activate(restyle(joined, stride * width, stroke_code, stride))
    last = graph.convolution(h, generator.last)
    h = graph.activate(restyle(last, width, stroke_code, 1))
    painted = graph.node("Add", palette, graph.convolution(h, generator.paint))

    moments = graph.slice(code, 0, 3), graph.slice(code, 3, 6)
    if by_region:
        mean, deviation = (_by_region(graph, part, regions[1]) for part in moments)
    else:
        mean, deviation = (graph.add_axes(part, 2, 3) for part in moments)
    coloured = graph.node("Add", graph.node("Mul", painted, deviation), mean)
    rgb = graph.raw_convolution(coloured, OPPONENT.T[None, None])
    graph.write_picture("painted", rgb)
    statistics.finish()
    return graph.serialized()


def _to_opponent(graph: GraphBuilder, x: str) -> str:
    return graph.raw_convolution(x, OPPONENT[None, None])


def _by_region(graph: GraphBuilder, vectors: str, regions: str) -> str:
    """Vectors `[styles, n]` mixed at each position: `[1, n, height, width]`."""
    kernel = graph.add_axes(graph.node("Transpose", vectors, perm=[1, 0]), 2, 3)
    return str(graph.node("Conv", regions, kernel, kernel_shape=[1, 1]))
