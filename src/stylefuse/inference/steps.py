"""Pictures that are painted step by step, so that one can watch them, and stop early."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from PIL import Image

from stylefuse.inference.style_optimizer import StyleTarget, optimize

Finish = Callable[[Image.Image], Image.Image]  # what was painted → the result


class PaintingStep(NamedTuple):
    """A picture that is being painted.

    Attributes:
        share: of the work that is done, 0…1.
        picture: makes the picture as it is at this step.
    """

    share: float
    picture: Callable[[], Image.Image]


def last_picture(steps: Iterator[PaintingStep]) -> Image.Image:
    """The picture after the last of at least one step."""
    for step in steps:
        last = step
    return last.picture()


def at_once(painted: np.ndarray, finish: Finish) -> Iterator[PaintingStep]:
    """The only step of a picture that the generator painted, uint8 `[height, width, 3]`."""
    yield PaintingStep(1, partial(_result, painted, finish))


def optimized(
    painted: np.ndarray,
    content: np.ndarray,
    styles: Sequence[StyleTarget],
    regions: np.ndarray,
    strength: float,
    finish: Finish,
) -> Iterator[PaintingStep]:
    """The steps of a picture that is optimised from what the generator painted.

    Args:
        painted: uint8 `[height, width, 3]`.
        content: uint8 of the same shape, what the picture shows.
        styles: one, or one for each region.
        regions: float `[height, width, styles]`, shares that sum to 1.
        strength: see `optimize`.
        finish: makes the result.
    """
    yield PaintingStep(0, partial(_result, painted, finish))
    canvas = painted.astype(np.float32)
    for number, style in enumerate(styles):
        region = regions[..., number, None]
        for progress in optimize(painted, content, style, strength):
            latest = canvas + region * (_enlarged(progress.picture, content) - painted)
            share = (number + progress.share) / len(styles)
            yield PaintingStep(share, partial(_result, latest, finish))
        canvas = latest


def _result(canvas: np.ndarray, finish: Finish) -> Image.Image:
    return finish(Image.fromarray(np.rint(np.clip(canvas, 0, 255)).astype(np.uint8)))


def _enlarged(picture: np.ndarray, content: np.ndarray) -> np.ndarray:
    """A picture of a coarse level at the content's size, float32."""
    height, width = content.shape[:2]
    enlarged = Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(enlarged, np.float32)
