"""Perceptual loss: content and style losses of Huang & Belongie 2017 in the features of VGG19.

Evaluation uses another network (`stylefuse.evaluation.metrics.features`), since a network that
took part in training would favour its own result.
"""

from keras import ops

from stylefuse.models.layers.normalization import instance_norm, moments
from stylefuse.models.layers.resampling import downsample
from stylefuse.models.vgg19 import IMAGENET_MEAN, vgg19_weights


def perceptual_loss(painted, photograph, reference, mask, weight, precision="float32"):
    """Distance of painted pictures to their photographs' content and to their references' style
    (Huang & Belongie 2017, eq. 12 and 13).

    The published weights are not normalised, so each distance is divided by the size of its target.

    Args:
        painted: `[batch, height, width, 3]` in −1…1.
        photograph: the contents, of the same shape.
        reference: the styles, of the same shape.
        mask: `[batch, height, width, 1]`: 1 shows the photograph, 0 the next one in the batch.
        weight: `[batch, 1]`: of the reference's style; 1 − weight is of the next one's.
        precision: dtype in which features are computed.

    Returns:
        The content loss and the style loss, scalars.
    """
    maps, references = features(painted, precision), features(reference, precision)
    share = weight[:, :, None, None]
    targets = [[_mix(m, share) for m in moments(x)] for x in references]
    content = _mix(features(photograph, precision)[-1], downsample(mask, 2 ** (len(maps) - 1)))
    mean, deviation = targets[-1]
    content_loss = _distance(maps[-1], instance_norm(content) * deviation + mean)  # eq. 8
    style_loss = sum(
        _distance(moment, target)
        for x, target_moments in zip(maps, targets, strict=True)
        for moment, target in zip(moments(x), target_moments, strict=True)
    )
    return content_loss, style_loss


def features(pictures, precision="float32"):
    """The maps relu1_1, relu2_1, relu3_1 and relu4_1 of VGG19 (Simonyan & Zisserman 2015).

    Args:
        pictures: `[batch, height, width, 3]` in −1…1.
        precision: dtype in which they are computed.

    Returns:
        float32 `[batch, height/k, width/k, channels]` for k = 1, 2, 4, 8.
    """
    x = (ops.flip(pictures, axis=-1) + 1) * 127.5 - ops.convert_to_tensor(IMAGENET_MEAN, "float32")
    x = ops.cast(x, precision)
    maps: list = []
    for block in vgg19_weights():
        x = ops.max_pool(x, 2, 2) if maps else x
        for index, (kernel, bias) in enumerate(block):
            x = ops.conv(x, ops.cast(kernel, precision), padding="same")
            x = ops.relu(x + ops.cast(bias, precision))
            if index == 0:
                maps.append(ops.cast(x, "float32"))
    return maps


def _mix(x, share):
    """`share` of each item of the batch, and the rest of the next one."""
    return share * x + (1 - share) * ops.roll(x, 1, axis=0)


def _distance(values, target):
    """Mean squared error, relative to the target's mean square."""
    return ops.mean(ops.square(values - target)) / ops.mean(ops.square(target))
