"""Low-rank approximation of a network's convolutions.

A convolution from c to d channels is replaced by one from c to r < d channels, followed by one of
1×1 from r to d. Zhang et al. 2015 ("Accelerating very deep convolutional networks for
classification and detection", section 2) choose both so that they reproduce the layer's responses
to real pictures, given what the approximated layers before it compute.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from keras import ops

RIDGE = 1e-4  # of the responses' mean variance, so that the regression has one solution


class Convolution(NamedTuple):
    """A convolution with a ReLU.

    Attributes:
        kernel: `[3, 3, inputs, channels]`.
        bias: `[outputs]`.
        expansion: `[channels, outputs]` of the 1×1 convolution that follows; None if none does.
    """

    kernel: np.ndarray
    bias: np.ndarray
    expansion: np.ndarray | None = None


Blocks = Sequence[Sequence[Convolution]]


def approximate(blocks: Blocks, ranks: Sequence[Sequence[int]], pictures: np.ndarray) -> Blocks:
    """Approximate the convolutions of a network of blocks with maximum pooling in between.

    Args:
        blocks: the network's convolutions.
        ranks: r of each convolution; 0 leaves it as it is.
        pictures: float32 `[n, height, width, 3]`, inputs of the network.
    """
    exact = approximated = pictures
    result: list[list[Convolution]] = []
    for block, block_ranks in zip(blocks, ranks, strict=True):
        if result:
            exact, approximated = (ops.max_pool(x, 2, 2) for x in (exact, approximated))
        layers = []
        for layer, rank in zip(block, block_ranks, strict=True):
            target = response(exact, layer)
            if rank:
                layer = _low_rank(layer, rank, approximated, target)
            layers.append(layer)
            exact, approximated = ops.relu(target), ops.relu(response(approximated, layer))
        result.append(layers)
    return result


def response(x, layer: Convolution):
    """The convolution's result before its ReLU, `[n, height, width, outputs]`."""
    x = ops.conv(x, layer.kernel, padding="same")
    if layer.expansion is not None:
        x = ops.matmul(x, layer.expansion)
    return x + layer.bias


def _low_rank(layer: Convolution, rank: int, inputs, target) -> Convolution:
    """The layer of this rank that comes nearest to a target (reduced-rank regression)."""
    given = _rows(ops.conv(inputs, layer.kernel, padding="same"))
    wanted = _rows(target)
    mean_given, mean_wanted = given.mean(axis=0), wanted.mean(axis=0)
    given, wanted = given - mean_given, wanted - mean_wanted
    covariance = given.T @ given / len(given)
    ridge = RIDGE * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    slopes = np.linalg.solve(covariance + ridge, given.T @ wanted / len(given))
    _, axes = np.linalg.eigh(slopes.T @ covariance @ slopes)
    expansion = axes[:, ::-1][:, :rank].T
    projection = slopes @ expansion.T
    return Convolution(
        (layer.kernel @ projection).astype(np.float32),
        (mean_wanted - mean_given @ projection @ expansion).astype(np.float32),
        expansion.astype(np.float32),
    )


def _rows(maps) -> np.ndarray:
    """Maps as a table with a row for each place."""
    array = np.asarray(ops.convert_to_numpy(maps), np.float64)
    return array.reshape(-1, array.shape[-1])
