"""The ONNX graph of the restoration generator."""

from typing import Any

import numpy as np

from stylefuse.images.colour import OPPONENT
from stylefuse.inference.degradation_features import FEATURE_COUNT, QUANTILES
from stylefuse.inference.degradation_kinds import FREQUENT
from stylefuse.models.onnx_graph import GraphBuilder
from stylefuse.models.restore.classical_filters import (
    BAND_RADIUS,
    BAND_SIGMAS,
    BLUR_SIGMAS,
    MAX_LEVEL,
    MIDDLE_RANGE,
    MIN_LEVEL,
    MIN_SPAN,
    gaussian_kernel,
    inverse_filters,
)
from stylefuse.models.restore.networks import (
    BOUNDED,
    DETAIL,
    DETAIL_KINDS,
    DETAIL_LABELS,
    FADING,
    HIGH,
    LOG_THRESHOLD,
    LOW,
    MAX_LOG_GAIN,
    NO_BLUR_LOGIT,
    SCRATCH_MASK_LOGIT,
    SCRATCHES,
    SEPIA,
)

BANDS = len(BAND_SIGMAS)


def graphs(generator: Any) -> dict[str, bytes]:
    """The content of each file, by the name of the graph.

    `restorer` takes a picture and the features of the whole picture `[1, FEATURE_COUNT]`, and may
    take bounds of the kinds' probabilities `[2, BOUNDED]`.
    """
    graph = GraphBuilder()
    x = graph.read_picture("picture")
    features = graph.input("features", [1, FEATURE_COUNT])
    unbounded = np.repeat([[0.0], [1.0]], BOUNDED, axis=1)
    bounds = graph.input("bounds", [2, BOUNDED], default=unbounded)
    probabilities = _probabilities(graph, features, generator.recognise, bounds, 0)
    described = graph.activate(_perceptron(graph, features, generator.describe))
    code = graph.node("Concat", described, features, probabilities, axis=1)

    lighter, darker = _thin_structures(graph, x)
    thin = graph.node("Concat", lighter, darker, axis=1)
    doubled = graph.node("Mul", thin, graph.constant(2))
    h = _backbone(graph, generator, graph.node("Concat", x, doubled, axis=1), code)
    mask_logits = _depth_to_space(graph, graph.convolution(h, generator.heal))
    mask = graph.node("Sigmoid", graph.node("Add", mask_logits, graph.constant(SCRATCH_MASK_LOGIT)))
    scratched = graph.add_axes(graph.slice(probabilities, SCRATCHES, SCRATCHES + 1), 2, 3)
    mask = graph.node("Mul", mask, scratched)
    mended = graph.node(
        "Sub",
        graph.node("Mul", graph.slice(mask, 1, 2), darker),
        graph.node("Mul", graph.slice(mask, 0, 1), lighter),
    )
    filtered = _filter_detail(graph, generator, x, code, probabilities)
    painted = _depth_to_space(graph, graph.convolution(h, generator.paint))
    change = graph.node("Add", graph.node("Add", mended, filtered), painted)
    detected = _probabilities(graph, features, generator.detector, bounds, len(FREQUENT))
    certain = _certainty(graph, detected)
    restored = graph.node("Add", x, graph.node("Mul", change, _of_kind(graph, certain, DETAIL)))
    both = graph.node("Mul", graph.slice(certain, 0, len(FREQUENT)), probabilities)
    corrected = _correct_colours(graph, generator, restored, features, both)
    graph.write_picture("restored", corrected)
    return {"restorer": graph.serialized()}


def _probabilities(
    graph: GraphBuilder, features: str, perceptron: Any, bounds: str, first: int
) -> str:
    """What a perceptron recognises, within the bounds that begin at `first`."""
    probabilities = graph.node("Sigmoid", _perceptron(graph, features, perceptron))
    own = graph.slice(bounds, first, first + perceptron.last.units)
    low, high = (graph.slice(own, row, row + 1, axis=0) for row in (0, 1))
    return str(graph.node("Max", low, graph.node("Min", high, probabilities)))


def _perceptron(graph: GraphBuilder, x: str, perceptron: Any) -> str:
    for layer in perceptron.hidden:
        x = graph.activate(graph.dense(x, layer))
    return graph.dense(x, perceptron.last)


def _certainty(graph: GraphBuilder, probabilities: str) -> str:
    """See `networks.certainty`."""
    above = graph.node("Sub", probabilities, graph.constant(LOW))
    stretched = graph.node("Div", above, graph.constant(HIGH - LOW))
    certain = graph.node("Clip", stretched, *map(graph.constant, (0, 1)))
    kinds, detail = graph.slice(certain, 0, DETAIL), graph.slice(certain, DETAIL, DETAIL + 1)
    of_detail = graph.node("Mul", kinds, graph.constant(DETAIL_LABELS[None]))
    largest = graph.node("MaxPool", graph.add_axes(of_detail, 1), kernel_shape=[DETAIL])
    detail = graph.node("Min", detail, graph.reshape(largest, 1, 1))
    return str(graph.node("Concat", kinds, detail, axis=1))


def _backbone(graph: GraphBuilder, generator: Any, x: str, code: str) -> str:
    halved = _space_to_depth(graph, x)
    m2 = graph.activate(graph.convolution(halved, generator.enter_2))
    h = graph.activate(graph.convolution(m2, generator.enter_4))
    layers = zip(generator.scales, generator.first, generator.second, strict=True)
    for scale, first, second in layers:
        inner = graph.activate(graph.convolution(h, first))
        scaled = graph.node("Mul", inner, _one_plus(graph, code, scale))
        h = graph.node("Add", h, graph.convolution(scaled, second))
    upsampled = graph.convolution(graph.upsample(h), generator.up_2)
    h = graph.activate(graph.node("Add", upsampled, m2))
    last = graph.activate(graph.convolution(h, generator.last))
    return str(graph.node("Mul", last, _one_plus(graph, code, generator.scale)))


def _one_plus(graph: GraphBuilder, code: str, layer: Any) -> str:
    """1 + the output of a dense layer, per channel."""
    return graph.add_axes(graph.node("Add", graph.dense(code, layer), graph.constant(1)), 2, 3)


def _filter_detail(
    graph: GraphBuilder, generator: Any, x: str, code: str, probabilities: str
) -> str:
    """See `RestoreGenerator.filter_detail`; bands are `[1, 3·BANDS, height, width]`."""
    with_one = graph.node("Concat", code, graph.constant([[1]]), axis=1)
    per_kind = [
        graph.node("Mul", with_one, graph.slice(probabilities, kind, kind + 1))
        for kind in DETAIL_KINDS
    ]
    scaled = graph.node("Concat", *per_kind, axis=1)
    start = np.array([[NO_BLUR_LOGIT] + [0.0] * len(BLUR_SIGMAS)])
    logits = graph.node("Add", graph.dense(scaled, generator.sharpen), graph.constant(start))
    shares = graph.slice(graph.node("Softmax", logits, axis=1), 1, 1 + len(BLUR_SIGMAS))
    sharpening = graph.node("MatMul", shares, graph.constant(inverse_filters()))  # [1, BANDS]
    logs = graph.dense(scaled, generator.denoise)  # [1, 2·3·BANDS]
    log_thresholds, log_gains = (
        graph.add_axes(graph.slice(logs, i * 3 * BANDS, (i + 1) * 3 * BANDS), 2, 3)
        for i in range(2)
    )
    thresholds = graph.node("Exp", graph.node("Add", log_thresholds, graph.constant(LOG_THRESHOLD)))
    gains = graph.node("Exp", graph.node("Min", log_gains, graph.constant(MAX_LOG_GAIN)))

    bands = _detail_bands(graph, graph.raw_convolution(x, OPPONENT[None, None]))
    within = graph.node("Max", graph.node("Neg", thresholds), graph.node("Min", bands, thresholds))
    shrunk = graph.node("Sub", bands, within)
    per_band = graph.add_axes(graph.node("Concat", *[sharpening] * 3, axis=1), 2, 3)
    changed = graph.node(
        "Add",
        graph.node("Mul", graph.node("Sub", per_band, graph.constant(1)), bands),
        graph.node("Mul", gains, shrunk),
    )
    # the sum over each colour's bands, and back to RGB, as one convolution
    back = np.repeat(OPPONENT.T, BANDS, axis=0)
    return graph.raw_convolution(changed, back[None, None])


def _detail_bands(graph: GraphBuilder, x: str) -> str:
    """See `classical_filters.detail_bands`: each colour's bands follow each other."""
    kernels = np.stack([gaussian_kernel(sigma) for sigma in BAND_SIGMAS])  # [BANDS, length]
    per_colour = np.tile(kernels, (3, 1))[:, None, None, :]
    padded = graph.pad(x, BAND_RADIUS)
    across = graph.node(
        "Conv", padded, graph.constant(per_colour), group=3, kernel_shape=[1, kernels.shape[1]]
    )
    blurred = graph.node(
        "Conv", across, graph.constant(per_colour.transpose(0, 1, 3, 2)),
        group=3 * BANDS, kernel_shape=[kernels.shape[1], 1],
    )  # fmt: skip
    parts = []
    for colour in range(3):
        first = colour * BANDS
        parts += [
            graph.slice(x, colour, colour + 1),
            graph.slice(blurred, first, first + BANDS - 1),
        ]
    return str(graph.node("Sub", graph.node("Concat", *parts, axis=1), blurred))


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
    faded = graph.node("Mul", change, _of_kind(graph, certain, FADING))
    return str(graph.node("Add", x, faded))


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
