"""The ONNX graph of the enlarger."""

from typing import Any

from stylefuse.models.enlarger.network import BICUBIC_MARGIN, MARGIN, SCALE, bicubic_kernel
from stylefuse.models.onnx_graph import INT64, GraphBuilder


def enlarger_graph(enlarger: Any) -> bytes:
    """The content of a file: `picture`, uint8 `[1, height + 2·MARGIN, width + 2·MARGIN, 3]`, →
    `enlarged`, uint8 `[1, 2·height, 2·width, 3]`."""
    graph = GraphBuilder()
    x = h = graph.read_picture("picture")
    for layer in (enlarger.first, *enlarger.middle):
        h = graph.activate(graph.raw_convolution(h, *layer.get_weights()))
    residual = graph.raw_convolution(h, *enlarger.last.get_weights())
    cut = MARGIN - BICUBIC_MARGIN
    bounds = ([cut, cut], [-cut, -cut], [2, 3])
    inner = graph.node("Slice", x, *(graph.constant(values, INT64) for values in bounds))
    bicubic = graph.raw_convolution(inner, bicubic_kernel())
    pixels = graph.node("Add", bicubic, residual)
    enlarged = graph.node("DepthToSpace", pixels, blocksize=SCALE, mode="DCR")
    graph.write_picture("enlarged", enlarged)
    return graph.serialized()
