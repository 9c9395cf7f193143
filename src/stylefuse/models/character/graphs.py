"""The ONNX graph of the healer."""

from stylefuse.models.character.networks import HealerGenerator
from stylefuse.models.onnx_graph import FLOAT, UINT8, GraphBuilder

LEVELS = 127.5  # of a difference of 1


def healer_graph(generator: HealerGenerator, side: int) -> bytes:
    """The graph's file: "composite" and "maps" → "change", what is to be added to the levels.

    Args:
        generator: trained.
        side: of the pictures in pixels.
    """
    graph = GraphBuilder()
    picture = graph.input("composite", [1, side, side, 3], UINT8)
    levels = graph.node("Cast", picture, to=FLOAT)
    values = graph.node("Sub", graph.node("Div", levels, graph.constant(LEVELS)), graph.constant(1))
    maps = graph.input("maps", [1, side, side, 4])
    joined = graph.node("Concat", values, maps, axis=-1)
    h, skips = graph.node("Transpose", joined, perm=[0, 3, 1, 2]), []
    mask = graph.slice(h, 3, 4)
    for down, block in zip(generator.down[:2], generator.left, strict=True):
        h = _residual(graph, graph.activate(graph.convolution(h, down)), block)
        skips.append(h)
    h = graph.activate(graph.convolution(h, generator.down[2]))
    for block in generator.middle:
        h = _residual(graph, h, block)
    for up, block, skip in zip(generator.up, generator.right, skips[::-1], strict=True):
        raised = graph.activate(graph.convolution(graph.upsample(h), up))
        h = _residual(graph, graph.node("Add", raised, skip), block)
    change = graph.node("DepthToSpace", graph.convolution(h, generator.to_rgb), blocksize=2)
    masked = graph.node("Mul", graph.node("Mul", change, mask), graph.constant(LEVELS))
    last = graph.node("Transpose", masked, perm=[0, 2, 3, 1])
    graph.output("change", last, [1, side, side, 3])
    return graph.serialized()


def _residual(graph: GraphBuilder, x: str, block) -> str:
    first = graph.activate(graph.convolution(x, block.first))
    return str(graph.node("Add", x, graph.convolution(first, block.second)))
