"""The style loss of Gatys et al. 2016 and its gradient, as an ONNX graph.

ONNX Runtime does not differentiate, so the graph has the backward pass written out. The gradient of
a convolution with stride 1 is a convolution with the kernel rotated and its channels exchanged;
that of a ReLU, and of maximum pooling, a product with a mask of zeros and ones.
"""

from typing import Any, NamedTuple

import numpy as np

from stylefuse.models.onnx_graph import FLOAT, INT64, GraphBuilder, Shape
from stylefuse.models.style_loss.low_rank import Blocks
from stylefuse.models.vgg19 import IMAGENET_MEAN

SMALLEST = 1e-8  # keeps the loss towards a target of zeros finite


class _Step(NamedTuple):
    """A step of the forward pass, for the backward pass: its kind and its results."""

    kind: str
    output: str
    details: Any


def style_loss_graph(blocks: Blocks) -> bytes:
    """Build the graph.

    The style loss compares Gram matrices of the first map of each block (Gatys et al. 2016, eq. 3
    to 5), the content loss the first map of the last one (eq. 1). Each is divided by the square sum
    of its target, so that no style and no layer outweighs another.

    Inputs: `picture` `[1, height, width, 3]` in 0…1, of sides that every pooling halves exactly;
    the targets `gram_1`, … `[1, c, c]` and `content` `[1, c, height', width']`, by default zeros;
    and `content_weight`. Outputs: `loss` `[1]`; its `gradient` `[1, height, width, 3]` towards the
    picture; `own_gram_1`, … and `own_content`, what the picture has in the place of the targets.

    Args:
        blocks: of the network; of the last one only the first convolution is used.
    """
    graph = GraphBuilder()
    picture = graph.input("picture", [1, "height", "width", 3])
    steps = _forward(graph, picture, [*blocks[:-1], blocks[-1][:1]])
    content_loss, gradient = _content_loss(graph, steps[-1])
    losses = [content_loss]
    for step in reversed(steps):
        if step.kind == "tap":
            style_loss, added = _gram_loss(graph, step)
            losses.append(style_loss)
            gradient = graph.node("Add", gradient, added)
        elif step.kind == "pooling":
            chosen = graph.node("Equal", step.output, graph.upsample(step.details))
            gradient = _masked(graph, chosen, graph.upsample(gradient))
        else:
            gradient = graph.node("Mul", graph.node("Sign", step.output), gradient)
            for weights, side in step.details:
                gradient = _convolve(graph, gradient, graph.rotated(weights), side)
    levels = graph.node("Mul", gradient, graph.constant(255))
    graph.output("gradient", _exchanged(graph, levels, "output"), [1, "height", "width", 3])
    graph.output("loss", graph.node("Sum", *losses), [1])
    return graph.serialized()


def _forward(graph: GraphBuilder, picture: str, blocks: Blocks) -> list[_Step]:
    levels = graph.node("Mul", _exchanged(graph, picture, "input"), graph.constant(255))
    x = graph.node("Sub", levels, graph.constant(np.reshape(IMAGENET_MEAN, (1, 3, 1, 1))))
    steps: list[_Step] = []
    for number, block in enumerate(blocks, start=1):
        if steps:
            pooled = graph.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
            steps.append(_Step("pooling", x, pooled))
            x = pooled
        for layer in block:
            kernels = [layer.kernel]
            if layer.expansion is not None:
                kernels.append(layer.expansion[None, None])
            weights = [(_weights(graph, kernel), len(kernel)) for kernel in kernels]
            for kernel_weights, side in weights:
                x = _convolve(graph, x, kernel_weights, side)
            bias = graph.constant(np.reshape(layer.bias, (1, -1, 1, 1)))
            x = graph.node("Relu", graph.node("Add", x, bias))
            steps.append(_Step("convolution", x, weights[::-1]))
            if layer is block[0]:
                steps.append(_Step("tap", x, (number, len(layer.bias))))
    return steps


def _content_loss(graph: GraphBuilder, tap: _Step) -> tuple[str, str]:
    """The content loss, and its gradient towards the last tap."""
    channels = tap.details[1]
    shape: Shape = [1, channels, "content_height", "content_width"]
    target = graph.input("content", shape, default=np.zeros((1, channels, 1, 1)))
    weight = graph.input("content_weight", [], default=0)
    graph.output("own_content", tap.output, shape)
    difference = graph.node("Sub", tap.output, target)
    share = graph.node("Div", weight, _square_sum(graph, target))
    loss = graph.node("Mul", share, _square_sum(graph, difference, floor=0))
    slope = graph.node("Mul", graph.constant(2), share)
    return loss, graph.node("Mul", difference, slope)


def _gram_loss(graph: GraphBuilder, tap: _Step) -> tuple[str, str]:
    """The style loss of one tap, and its gradient towards the tap."""
    number, channels = tap.details
    shape: Shape = [1, f"rows_{number}", f"columns_{number}"]
    target = graph.input(f"gram_{number}", shape, default=np.zeros((1, 1, 1)))
    rows = graph.reshape(tap.output, 1, channels, -1)
    size = graph.node("Size", tap.output)
    places = graph.node("Cast", graph.node("Div", size, graph.constant(channels, INT64)), to=FLOAT)
    products = graph.node("MatMul", rows, graph.node("Transpose", rows, perm=[0, 2, 1]))
    gram = graph.node("Div", products, places)
    graph.output(f"own_gram_{number}", gram, [1, channels, channels])
    difference = graph.node("Sub", gram, target)
    share = graph.node("Div", graph.constant(1), _square_sum(graph, target))
    loss = graph.node("Mul", share, _square_sum(graph, difference, floor=0))
    # the matrix is a product of the map with itself, so both factors contribute
    slope = graph.node("Mul", difference, graph.node("Mul", graph.constant(4), share))
    gradient = graph.node("MatMul", graph.node("Div", slope, places), rows)
    return loss, graph.node("Reshape", gradient, graph.node("Shape", tap.output))


def _square_sum(graph: GraphBuilder, x: str, floor: float = SMALLEST) -> str:
    squares = graph.node("ReduceSum", graph.node("Mul", x, x), keepdims=0)
    return str(graph.node("Add", squares, graph.constant(floor)))


def _masked(graph: GraphBuilder, mask: str, x: str) -> str:
    return str(graph.node("Mul", graph.node("Cast", mask, to=FLOAT), x))


def _convolve(graph: GraphBuilder, x: str, weights: str, side: int) -> str:
    return str(graph.node("Conv", x, weights, pads=[side // 2] * 4, kernel_shape=[side, side]))


def _weights(graph: GraphBuilder, kernel: np.ndarray) -> str:
    """A kernel `[side, side, inputs, outputs]`, stored in half precision, in ONNX's order."""
    half = graph.constant(np.transpose(kernel, (3, 2, 0, 1)), np.float16)
    return str(graph.node("Cast", half, to=FLOAT))


def _exchanged(graph: GraphBuilder, x: str, side: str) -> str:
    """From channels last, red first, to channels first, blue first ("input"), or back."""
    order = graph.constant([2, 1, 0], INT64)
    perm, axis = ([0, 3, 1, 2], 1) if side == "input" else ([0, 2, 3, 1], 3)
    return str(graph.node("Gather", graph.node("Transpose", x, perm=perm), order, axis=axis))
