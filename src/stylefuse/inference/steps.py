"""Pictures that are painted step by step, so that one can watch them, and stop early."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
from PIL import Image

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
    yield PaintingStep(1, partial(finished, painted, finish))


def finished(canvas: np.ndarray, finish: Finish) -> Image.Image:
    """The result of a canvas of levels `[height, width, 3]`, which may be out of range."""
    return finish(Image.fromarray(np.rint(np.clip(canvas, 0, 255)).astype(np.uint8)))
