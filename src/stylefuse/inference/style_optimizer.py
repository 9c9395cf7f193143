"""Painting by optimisation: a picture's pixels are changed until its strokes are the style's.

Gatys et al. 2016 minimise a style loss and a content loss of a classification network's features.
From coarse to fine this takes few steps: strokes are laid at a small size, where a step is cheap
and reaches far, and each larger size begins with what the one before it made.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import product
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from stylefuse.images.arrays import MIN_SIDE, STRIDE, pad
from stylefuse.inference.lbfgs import minimize
from stylefuse.inference.onnx_session import OnnxGraph
from stylefuse.inference.steps import Finish, PaintingStep, finished

NETWORKS = Path(__file__).with_name("networks")  # LICENCES.md in it names the source
MANIFEST = NETWORKS / "manifest.json"  # checksums
CONTENT_WEIGHT = np.array(0.4, np.float32)  # the style loss of each layer has the weight 1
MARGIN = 4  # pixels; the networks pad with zeros, which paints lines along the border
TILE, OVERLAP = 512 + 2 * MARGIN, 64  # pixels; larger sizes go tile by tile, to bound the memory
AFFORDABLE = 512  # pixels of the longer side; larger pictures get fewer evaluations, at least
MIN_EVALUATIONS = 2


class Level(NamedTuple):
    """A size at which a picture is optimised.

    Attributes:
        share: of the full size.
        evaluations: of the loss and its gradient.
        network: that computes them: to its fourth block, or, in half the time, to its third.
        cost: of an evaluation of a pixel, relative to the other levels.
    """

    share: float
    evaluations: int
    network: str
    cost: float


LEVELS = Level(0.5, 30, "style_loss", 1.4), Level(1, 12, "style_loss_shallow", 1)


Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]  # picture `[height, width, 3]` in 0…1 →
# the loss and its gradient towards the picture


class StyleTarget(NamedTuple):
    """The strokes that a picture shall have.

    Attributes:
        pictures: uint8 `[height, width, 3]` each, with strokes of the wanted size.
        weights: of the pictures' strokes in the mix, which sum to 1.
    """

    pictures: Sequence[np.ndarray]
    weights: Sequence[float]


class Progress(NamedTuple):
    """A picture that is being optimised.

    Attributes:
        share: of the work that is done, 0…1.
        picture: uint8 `[height, width, 3]`, at the size of the current level.
    """

    share: float
    picture: np.ndarray


def optimize(
    start: np.ndarray, content: np.ndarray, style: StyleTarget, strength: float = 1.0
) -> Iterator[Progress]:
    """Optimise a picture.

    Args:
        start: uint8 `[height, width, 3]`, where the search begins.
        content: uint8 of the same shape, what the picture shows.
        style: its strokes.
        strength: 0 keeps the content's own strokes, 1 takes the style's.

    Yields:
        The progress after each evaluation; at the end the picture has the full size.

    Raises:
        Cancelled: the active request was cancelled.
    """
    full = content.shape
    effort = min(1, AFFORDABLE / max(full))
    rounds = [max(MIN_EVALUATIONS, round(level.evaluations * effort)) for level in LEVELS]
    costs = [n * level.cost * level.share**2 for n, level in zip(rounds, LEVELS, strict=True)]
    start, content, done = _with_margin(start), _with_margin(content), 0.0
    picture = smaller_start = start
    for level, evaluations, cost in zip(LEVELS, rounds, costs, strict=True):
        shape = _level_shape(content.shape, level.share)
        level_start = _resized(start, shape)
        # weak strokes leave the detail that the smaller level did not show
        detail = _floats(level_start) - _floats(_resized(smaller_start, shape))
        canvas = np.clip(_floats(_resized(picture, shape)) + (1 - strength) * detail, 0, 1)
        target, grams = _floats(_resized(content, shape)), _mixed_grams(style, level)
        for part in _optimize_tiles(canvas, target, grams, strength, level.network, evaluations):
            picture = _levels(canvas)
            share = (done + part * cost) / sum(costs)
            yield Progress(share, _without_margin(picture, full, level.share))
        smaller_start = level_start
        done += cost


def loss_at_full_size(content: np.ndarray, style: StyleTarget) -> Loss:
    """The loss of a picture that shows a content, as a function; it is that of the first level.

    Args:
        content: uint8 `[height, width, 3]`, sides are multiples of 8.
        style: its strokes.
    """
    level = LEVELS[0]._replace(share=1)
    return _loss(_floats(content), _mixed_grams(style, level), 1.0, level.network)


def optimized_steps(
    painted: np.ndarray,
    content: np.ndarray,
    styles: Sequence[StyleTarget],
    regions: np.ndarray | None,
    strength: float,
    finish: Finish,
) -> Iterator[PaintingStep]:
    """The steps of a picture that is optimised from what the generator painted.

    Args:
        painted: uint8 `[height, width, 3]`.
        content: uint8 of the same shape, what the picture shows.
        styles: one, or one for each region.
        regions: float `[height, width, styles]`, shares that sum to 1; None for one style.
        strength: see `optimize`.
        finish: makes the result.
    """
    yield PaintingStep(0, partial(finished, painted, finish))
    canvas = painted.astype(np.float32)
    for number, style in enumerate(styles):
        region = 1 if regions is None else regions[..., number, None]
        for progress in optimize(painted, content, style, strength):
            latest = canvas + region * (_enlarged(progress.picture, content) - painted)
            share = (number + progress.share) / len(styles)
            yield PaintingStep(share, partial(finished, latest, finish))
        canvas = latest


def _optimize_tiles(canvas, content, grams, strength, network, evaluations) -> Iterator[float]:
    """Optimise a canvas in place, and yield the share that is done after each evaluation.

    Each tile begins with what its neighbours made of the overlap, and fades into it.
    """
    spans = [_spans(length) for length in canvas.shape[:2]]
    for number, (rows, columns) in enumerate(product(*spans)):
        before = canvas[rows, columns].copy()
        opacity = _ramp(rows)[:, None, None] * _ramp(columns)[None, :, None]
        loss = _loss(content[rows, columns], grams, strength, network)
        for count, tile in enumerate(minimize(loss, before, evaluations), start=1):
            canvas[rows, columns] = before + opacity * (tile - before)
            yield (number + count / evaluations) / (len(spans[0]) * len(spans[1]))


def _loss(content, grams, strength, network) -> Loss:
    """The loss of a tile `[height, width, 3]` and its gradient, as a function of the tile."""
    graph = _network(network)
    own = _describe(content, network)
    targets = {"content": own.pop("content"), "content_weight": CONTENT_WEIGHT}
    for name, gram in own.items():
        targets[name] = (strength * grams[name] + (1 - strength) * gram).astype(np.float32)

    def evaluate(tile: np.ndarray) -> tuple[float, np.ndarray]:
        result = graph(picture=tile[None], **targets)
        return float(result["loss"][0]), result["gradient"][0]

    return evaluate


def _mixed_grams(style: StyleTarget, level: Level) -> dict[str, np.ndarray]:
    mixed: dict[str, np.ndarray] = {}
    for picture, weight in zip(style.pictures, style.weights, strict=True):
        scaled = _resized(picture, _level_shape(picture.shape, level.share))
        described = _describe(_floats(scaled), level.network)
        del described["content"]
        for name, gram in described.items():
            mixed[name] = mixed.get(name, 0) + weight * gram
    return mixed


def _describe(picture: np.ndarray, network: str) -> dict[str, np.ndarray]:
    """What a picture `[height, width, 3]` has in the place of the targets, by their names."""
    result = _network(network)(picture=picture[None])
    own = "own_"
    return {name.removeprefix(own): x for name, x in result.items() if name.startswith(own)}


@cache
def _network(name: str) -> OnnxGraph:
    checksums = json.loads(MANIFEST.read_text())
    return OnnxGraph(NETWORKS / f"{name}.onnx", checksums[f"{name}.onnx"])


def _with_margin(picture: np.ndarray) -> np.ndarray:
    return pad(np.pad(picture, [(MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)], mode="symmetric"))


def _without_margin(picture: np.ndarray, full: tuple[int, ...], share: float) -> np.ndarray:
    """A picture of a level without its margin; `full` is the shape at full size."""
    margin = round(MARGIN * share)
    height, width = (max(1, round(side * share)) for side in full[:2])
    return picture[margin : margin + height, margin : margin + width]


def _level_shape(shape: tuple[int, ...], share: float) -> tuple[int, int]:
    height, width = (max(MIN_SIDE, round(n * share / STRIDE) * STRIDE) for n in shape[:2])
    return height, width


def _spans(length: int) -> list[slice]:
    """Overlapping parts of no more than a tile's length."""
    count = max(1, ceil((length - OVERLAP) / (TILE - OVERLAP)))
    size = min(length, ceil((length + (count - 1) * OVERLAP) / count / STRIDE) * STRIDE)
    return [
        slice(start, start + size)
        for start in (round(i * (length - size) / max(1, count - 1)) for i in range(count))
    ]


def _ramp(span: slice) -> np.ndarray:
    """Opacity along a span: it rises over what the span before it has in common with it."""
    opacity = np.ones(span.stop - span.start, np.float32)
    if span.start:
        opacity[:OVERLAP] = np.linspace(0, 1, OVERLAP)
    return opacity


def _resized(picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    height, width = shape
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def _floats(picture: np.ndarray) -> np.ndarray:
    return picture.astype(np.float32) / 255


def _levels(canvas: np.ndarray) -> np.ndarray:
    return np.rint(canvas * 255).astype(np.uint8)


def _enlarged(picture: np.ndarray, content: np.ndarray) -> np.ndarray:
    """A picture of a coarse level at the content's size, float32."""
    height, width = content.shape[:2]
    enlarged = Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(enlarged, np.float32)
