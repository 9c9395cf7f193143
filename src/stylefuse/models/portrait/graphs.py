"""The ONNX graph of the portrait generators: latents `[batch, latent]` → pictures of 64×64."""

from typing import Any

import numpy as np

from stylefuse.models.layers.normalization import BATCH_VARIANCE_FLOOR
from stylefuse.models.onnx_graph import GraphBuilder
from stylefuse.models.portrait.dcgan import DcganGenerator
from stylefuse.models.portrait.progressive import PIXEL_NORM_FLOOR, ProgressiveGenerator
from stylefuse.models.portrait.regularized import RegularGenerator

BATCH = "batch"
FIRST_SIDE = 4  # of the maps


def graphs(generator: Any) -> dict[str, bytes]:
    """The content of each file, by the name of the graph."""
    graph = GraphBuilder()
    latents = graph.input("latents", [BATCH, generator.latent])
    picture = PAINTERS[type(generator)](graph, generator, latents)
    graph.write_picture("portraits", picture, BATCH)
    return {"generator": graph.serialized()}


def _dcgan(graph: GraphBuilder, generator: Any, latents: str) -> str:
    h = _first_map(graph, graph.node("MatMul", latents, graph.constant(generator.start.kernel)))
    for norm, layer in zip(generator.norms, generator.convs, strict=True):
        h = graph.node("Relu", _batch_norm(graph, h, norm))
        kernel = graph.constant(np.transpose(layer.kernel, (3, 2, 0, 1)))
        h = graph.node("ConvTranspose", h, kernel, strides=[2, 2], pads=[1, 1, 1, 1])
    return str(graph.node("Tanh", h))


def _regular(graph: GraphBuilder, generator: Any, latents: str) -> str:
    h = _first_map(graph, graph.node("MatMul", latents, graph.constant(generator.start.kernel)))
    h = _gated(graph, _batch_norm(graph, h, generator.norms[0]))
    for layer, norm in zip(generator.convs, generator.norms[1:], strict=True):
        upsampled = graph.pad(graph.upsample(h), 1, "constant")
        convolved = graph.raw_convolution(upsampled, np.asarray(layer.kernel))
        h = _gated(graph, _batch_norm(graph, convolved, norm))
    to_rgb = generator.to_rgb
    padded = graph.pad(h, 1, "constant")
    rgb = graph.raw_convolution(padded, np.asarray(to_rgb.kernel), np.asarray(to_rgb.bias))
    return str(graph.node("Tanh", rgb))


def _progressive(graph: GraphBuilder, generator: Any, latents: str) -> str:
    start = graph.dense(_pixel_norm(graph, latents), generator.start)
    h = _pixel_norm(graph, graph.activate(_first_map(graph, start)))
    h = _pixel_norm(graph, graph.activate(graph.convolution(h, generator.start_conv)))
    for first, second in zip(generator.first, generator.second, strict=True):
        h = graph.upsample(h)
        for layer in (first, second):
            h = _pixel_norm(graph, graph.activate(graph.convolution(h, layer)))
    return graph.convolution(h, generator.to_rgb[-1])


PAINTERS = {
    DcganGenerator: _dcgan,
    RegularGenerator: _regular,
    ProgressiveGenerator: _progressive,
}


def _first_map(graph: GraphBuilder, x: str) -> str:
    """`[batch, 16·channels]`, channels last → `[batch, channels, 4, 4]`."""
    maps = graph.reshape(x, 0, FIRST_SIDE, FIRST_SIDE, -1)
    return str(graph.node("Transpose", maps, perm=[0, 3, 1, 2]))


def _batch_norm(graph: GraphBuilder, x: str, layer: Any) -> str:
    weights = (layer.scale, layer.shift, layer.mean, layer.variance)
    constants = (graph.constant(weight) for weight in weights)
    return str(graph.node("BatchNormalization", x, *constants, epsilon=BATCH_VARIANCE_FLOOR))


def _gated(graph: GraphBuilder, x: str) -> str:
    first, second = graph.node("Split", x, outputs=2, axis=1, num_outputs=2)
    return str(graph.node("Mul", first, graph.node("Sigmoid", second)))


def _pixel_norm(graph: GraphBuilder, x: str) -> str:
    squares = graph.mean(graph.node("Mul", x, x), 1)
    length = graph.node("Sqrt", graph.node("Add", squares, graph.constant(PIXEL_NORM_FLOOR)))
    return str(graph.node("Div", x, length))
