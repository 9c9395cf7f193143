"""VGG19 as a guide: the content and style losses of Huang & Belongie 2017, beside the GAN's own.

The network that judges is another one (`stylefuse.evaluation.metrics.features`), and has to be: a guide
would find what it asked for.
"""

from functools import cache
from pathlib import Path

from keras import ops

from stylefuse.data.torchfile import read_tensors
from stylefuse.errors import UserError
from stylefuse.models.layers.normalization import instance_norm, moments
from stylefuse.models.layers.resampling import shrink

FOLDER = Path("data/networks/vgg19")
CONVOLUTIONS = (2, 2, 4, 1)  # of each block, as far as the first of the fourth
MEAN = (103.939, 116.779, 123.68)  # of ImageNet: blue, green, red


def perceptual_loss(painted, photograph, reference, mask, weight, precision="float32"):
    """How far painted pictures are from their photographs' content and their references' style
    (Huang & Belongie 2017, eq. 12 and 13).

    The published weights are not normalised, so each distance is beside the size of its target.

    Args:
        painted: `[batch, height, width, 3]` in −1…1.
        photograph: what they were painted from, of the same shape.
        reference: whose style they were asked for.
        mask: `[batch, height, width, 1]`: 1 where a photograph stays, 0 where the next one shows.
        weight: `[batch, 1]`: of a reference's style; the rest is the next one's.
        precision: in which features are computed.

    Returns:
        The distances of content and of style, scalars.
    """
    found, references = features(painted, precision), features(reference, precision)
    share = weight[:, :, None, None]
    targets = [[_mix(m, share) for m in moments(x)] for x in references]
    content = _mix(features(photograph, precision)[-1], shrink(mask, 2 ** (len(found) - 1)))
    mean, deviation = targets[-1]
    kept = _distance(found[-1], instance_norm(content) * deviation + mean)  # eq. 8
    styled = sum(
        _distance(moment, target)
        for x, wanted in zip(found, targets, strict=True)
        for moment, target in zip(moments(x), wanted, strict=True)
    )
    return kept, styled


def features(pictures, precision="float32"):
    """Pictures `[batch, height, width, 3]` in −1…1 → relu1_1, 2_1, 3_1 and 4_1 of VGG19
    (Simonyan & Zisserman 2015), float32 `[batch, height/k, width/k, channels]`, k = 1, 2, 4, 8."""
    x = (ops.flip(pictures, axis=-1) + 1) * 127.5 - ops.convert_to_tensor(MEAN, "float32")
    x = ops.cast(x, precision)
    maps: list = []
    for block in weights():
        x = ops.max_pool(x, 2, 2) if maps else x
        for index, (kernel, bias) in enumerate(block):
            x = ops.conv(x, ops.cast(kernel, precision), padding="same")
            x = ops.relu(x + ops.cast(bias, precision))
            if index == 0:
                maps.append(ops.cast(x, "float32"))
    return maps


@cache
def weights():
    """Kernels `[3, 3, inputs, outputs]` and biases `[outputs]` of each block.

    Raises:
        UserError: they were not fetched.
    """
    files = sorted(FOLDER.glob("vgg19*.bin"))
    if not files:
        raise UserError(f"no weights are in {FOLDER}; run `dvc repro ingest`")
    tensors = read_tensors(files[0].read_bytes())

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
