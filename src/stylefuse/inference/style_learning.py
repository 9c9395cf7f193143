"""Learning a style: the generator's style code is changed until what it paints has the strokes of
the paintings.

The encoder sees a painting once. Here the generator paints some photographs in turn, and the loss
of `stylefuse.inference.style_optimizer` is minimised with Adam (Kingma & Ba 2015). Its gradient
goes through the decoder to the code alone, which paints any photograph afterwards.
"""

from collections.abc import Iterator
from math import cos, pi
from pathlib import Path
from typing import NamedTuple

import numpy as np

from stylefuse.errors import UserError
from stylefuse.images.open import open_picture
from stylefuse.inference.style_optimizer import StyleTarget, loss_at_full_size
from stylefuse.inference.stylizer import Stylizer

PHOTOGRAPHS = Path(__file__).with_name("photographs")  # LICENCES.md in it names the source
STEPS = 80
LEARNING_RATE, LAST_SHARE = 0.03, 0.05  # it falls to a share of itself along a cosine
DECAYS = 0.9, 0.99  # of the gradient's moments
SMALLEST = 1e-8
MIN_DEVIATION = 4.0  # levels; a picture with less is blank


class LearningStep(NamedTuple):
    """A style that is being learned.

    Attributes:
        share: of the work that is done, 0…1.
        code: learned so far, float32 `[n]`.
    """

    share: float
    code: np.ndarray


def learn_code(stylizer: Stylizer, code: np.ndarray, target: StyleTarget) -> Iterator[LearningStep]:
    """Learn a style's code.

    Args:
        stylizer: that shall paint with the code.
        code: where the search begins, float32 `[n]`.
        target: the strokes of the paintings.

    Yields:
        `STEPS` steps.

    Raises:
        Cancelled: the active request was cancelled.
    """
    contents = [np.asarray(open_picture(path)) for path in sorted(PHOTOGRAPHS.glob("*.jpg"))]
    losses = [loss_at_full_size(content, target) for content in contents]
    mean, square = np.zeros_like(code), np.zeros_like(code)
    for step in range(1, STEPS + 1):
        turn = step % len(contents)
        painted = stylizer.fuse([contents[turn]], [code], [code])
        _, towards_picture = losses[turn](painted.astype(np.float32) / 255)
        gradient = stylizer.code_gradient(contents[turn], code, towards_picture)
        mean = DECAYS[0] * mean + (1 - DECAYS[0]) * gradient
        square = DECAYS[1] * square + (1 - DECAYS[1]) * gradient**2
        direction = mean / (1 - DECAYS[0] ** step)
        length = np.sqrt(square / (1 - DECAYS[1] ** step)) + SMALLEST
        code = (code - _rate(step / STEPS) * direction / length).astype(np.float32)
        yield LearningStep(step / STEPS, code)


def _rate(share: float) -> float:
    return LEARNING_RATE * (LAST_SHARE + (1 - LAST_SHARE) * (1 + cos(pi * share)) / 2)


def refuse_blank(picture: np.ndarray, name: str) -> None:
    """Refuse a picture without strokes.

    Args:
        picture: uint8 `[height, width, 3]`.
        name: of the picture in the message.

    Raises:
        UserError: it has one colour.
    """
    if picture.std(axis=(0, 1)).max() < MIN_DEVIATION:
        raise UserError(
            f"{name} is of one colour and has no strokes to learn; name a painting",
            code="style-blank",
        )
