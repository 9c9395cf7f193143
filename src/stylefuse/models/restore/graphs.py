"""The ONNX graph of the restoration generator."""

from typing import Any

import numpy as np

from stylefuse.inference.degradation_features import FEATURE_COUNT, QUANTILES
from stylefuse.models.onnx_graph import GraphBuilder
from stylefuse.models.restore.classical_filters import (
    MAX_LEVEL,
    MIDDLE_RANGE,
    MIN_LEVEL,
    MIN_SPAN,
)
from stylefuse.models.restore.networks import (
    CANDIDATES,
    CAST,
    DETAIL,
    FADING,
    FILTERABLE,
    FILTERED_LOGIT,
    HIGH,
    LOW,
    PICTURE_LOGIT,
    SEPIA,
)


def graphs(generator: Any) -> dict[str, bytes]:
    """The content of each file, by the name of the graph.

    `restorer` takes a picture, the same after the Wiener filter, and the features of the whole
    picture `[1, FEATURE_COUNT]`.
    """
    graph = GraphBuilder()
    x, filtered = graph.read_picture("picture"), graph.read_picture("filtered")
    features = graph.input("features", [1, FEATURE_COUNT])
    probabilities = graph.node("Sigmoid", _perceptron(graph, features, generator.recognise))
    described = graph.activate(_perceptron(graph, features, generator.describe))
    code = graph.node("Concat", described, features, probabilities, axis=1)
    certain = _certainty(graph, probabilities)

    change = _restore_detail(graph, generator, x, filtered, code, probabilities)
    restored = graph.node("Add", x, graph.node("Mul", change, _of_kind(graph, certain, DETAIL)))
    corrected = _correct_colours(graph, generator, restored, features, certain)
    graph.write_picture("restored", corrected)
    return {"restorer": graph.serialized()}


def _perceptron(graph: GraphBuilder, x: str, perceptron: Any) -> str:
    for layer in perceptron.hidden:
        x = graph.activate(graph.dense(x, layer))
    return graph.dense(x, perceptron.last)


def _certainty(graph: GraphBuilder, probabilities: str) -> str:
    """See `networks.certainty`."""
    above = graph.node("Sub", probabilities, graph.constant(LOW))
    stretched = graph.node("Div", above, graph.constant(HIGH - LOW))
    return str(graph.node("Clip", stretched, *map(graph.constant, (0, 1))))


def _restore_detail(
    graph: GraphBuilder, generator: Any, x: str, filtered: str, code: str, probabilities: str
) -> str:
    """The change that `RestoreGenerator.restore_detail` makes."""
    light, dark = _thin_structures(graph, x)
    difference = graph.node("Sub", filtered, x)
    doubled = (graph.node("Mul", part, graph.constant(2)) for part in (light, dark))
    planes = graph.node("Concat", x, difference, *doubled, axis=1)
    h = graph.convolution(_backbone(graph, generator, planes, code), generator.paint)
    h = _depth_to_space(graph, h)
    picture, of_filtered, *_ = np.eye(CANDIDATES)[:, None]
    filterable = graph.node(
        "Max", *(graph.slice(probabilities, kind, kind + 1) for kind in FILTERABLE)
    )
    first_choice = graph.node(
        "Add",
        graph.node("Mul", filterable, graph.constant(FILTERED_LOGIT * of_filtered)),
        graph.constant(PICTURE_LOGIT * picture),
    )
    chosen = graph.node("Add", graph.dense(code, generator.choose), first_choice)
    logits = graph.node("Add", graph.slice(h, 3, 3 + CANDIDATES), graph.add_axes(chosen, 2, 3))
    shares = graph.node("Softmax", logits, axis=1)
    change = graph.slice(h, 0, 3)
    for i, (operator, part) in enumerate((("Add", difference), ("Sub", light), ("Add", dark)), 1):
        change = graph.node(
            operator, change, graph.node("Mul", graph.slice(shares, i, i + 1), part)
        )
    return str(change)


def _backbone(graph: GraphBuilder, generator: Any, x: str, code: str) -> str:
    m2 = graph.activate(graph.convolution(_space_to_depth(graph, x), generator.enter_2))
    m4 = graph.activate(graph.convolution(m2, generator.enter_4))
    m4 = _block(graph, m4, generator.down_4, code)
    h = graph.activate(graph.convolution(m4, generator.enter_8))
    for block in generator.middle:
        h = _block(graph, h, block, code)
    for leave, skip, block in (
        (generator.leave_8, m4, generator.up_4),
        (generator.leave_4, m2, generator.up_2),
    ):
        h = graph.node("Add", _depth_to_space(graph, graph.convolution(h, leave)), skip)
        h = _block(graph, h, block, code)
    return graph.activate(h)


def _block(graph: GraphBuilder, x: str, block: Any, code: str) -> str:
    h = graph.activate(graph.convolution(x, block.first))
    scale = graph.node("Add", graph.dense(code, block.scale), graph.constant(1))
    h = graph.node("Mul", h, graph.add_axes(scale, 2, 3))
    return str(graph.node("Add", x, graph.convolution(h, block.second)))


def _thin_structures(graph: GraphBuilder, x: str) -> tuple[str, str]:
    """See `classical_filters.thin_structures`."""

    def dilate(h: str) -> str:
        return str(graph.node("MaxPool", h, kernel_shape=[5, 5], pads=[2, 2, 2, 2]))

    def negate(h: str) -> str:
        return str(graph.node("Neg", h))

    opened = dilate(negate(dilate(negate(x))))
    closed = negate(dilate(negate(dilate(x))))
    return graph.node("Sub", x, opened), graph.node("Sub", closed, x)


def _correct_colours(
    graph: GraphBuilder, generator: Any, x: str, features: str, certain: str
) -> str:
    """See `RestoreGenerator.correct_colours`."""
    tone = _perceptron(graph, features, generator.tone)
    kernel = graph.reshape(graph.slice(tone, 9, 18), 3, 3)  # [inputs, outputs]
    kernel = graph.add_axes(graph.node("Transpose", kernel, perm=[1, 0]), 2, 3)
    shift = graph.reshape(graph.slice(tone, 18, 21), 3)
    tint = graph.node("Conv", x, kernel, shift, kernel_shape=[1, 1])
    x = graph.node("Add", x, graph.node("Mul", tint, _of_kind(graph, certain, SEPIA)))
    change = graph.node("Sub", _unfade(graph, x, features, graph.slice(tone, 0, 9)), x)
    faded = graph.node("Max", *(_of_kind(graph, certain, kind) for kind in (FADING, CAST)))
    return str(graph.node("Add", x, graph.node("Mul", change, faded)))


def _of_kind(graph: GraphBuilder, certain: str, kind: int) -> str:
    return graph.add_axes(graph.slice(certain, kind, kind + 1), 2, 3)


def _unfade(graph: GraphBuilder, x: str, features: str, change: str) -> str:
    """See `classical_filters.unfade`."""
    half, last = graph.constant(0.5), 3 * len(QUANTILES)
    mean, low, high = (
        graph.node("Mul", graph.slice(features, first, first + 3), half) for first in (0, 3, last)
    )
    span = graph.node("Max", graph.node("Sub", high, low), graph.constant(MIN_SPAN))
    middle = graph.node("Div", graph.node("Sub", mean, low), span)
    middle = graph.node("Clip", middle, *map(graph.constant, MIDDLE_RANGE))
    target = graph.node("Log", graph.mean(middle, 1))
    gamma = graph.node("Sqrt", graph.node("Div", target, graph.node("Log", middle)))
    shift, log_scale, log_gamma = (graph.slice(change, 3 * i, 3 * i + 3) for i in range(3))

    start = graph.add_axes(graph.node("Add", low, shift), 2, 3)
    scale = graph.add_axes(graph.node("Div", graph.node("Exp", log_scale), span), 2, 3)
    power = graph.add_axes(graph.node("Mul", gamma, graph.node("Exp", log_gamma)), 2, 3)
    stretched = graph.node("Mul", graph.node("Sub", x, start), scale)
    clipped = graph.node("Clip", stretched, *map(graph.constant, (MIN_LEVEL, MAX_LEVEL)))
    doubled = graph.node("Mul", graph.node("Pow", clipped, power), graph.constant(2))
    return str(graph.node("Sub", doubled, graph.constant(1)))


def _space_to_depth(graph: GraphBuilder, x: str) -> str:
    """`networks.space_to_depth`: ONNX orders the channels alike."""
    return str(graph.node("SpaceToDepth", x, blocksize=2))


def _depth_to_space(graph: GraphBuilder, x: str) -> str:
    return str(graph.node("DepthToSpace", x, blocksize=2, mode="DCR"))
