"""The layers of the transfer decoder that a style determines, and their places in a code."""

from itertools import accumulate
from typing import Any

PALETTE = 6  # numbers at the start of a code: mean and deviation of the opponent colours

Place = tuple[int, int, int]  # in a code: where scales begin, where shifts begin, where they end


def style_layers(generator: Any) -> list[Any]:
    """Each `AdaptiveInstanceNorm`, in the order of the decoder."""
    blocks = [norm for block in generator.blocks for norm in (block.first_norm, block.second_norm)]
    return [*blocks, generator.norm_2, generator.norm_1, generator.last_norm]


def code_places(generator: Any) -> list[Place]:
    """The place of each of the `style_layers` in a code."""
    counts = [layer.affine.units for layer in style_layers(generator)]
    ends = list(accumulate(counts, initial=PALETTE))
    return [
        (end - count, end - count // 2, end) for count, end in zip(counts, ends[1:], strict=True)
    ]


def code_size(generator: Any) -> int:
    """How many numbers a code has."""
    return code_places(generator)[-1][-1]
