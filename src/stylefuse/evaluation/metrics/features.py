"""The feature network of the evaluation: EfficientNet-Lite0 with ImageNet weights.

Training never sees this network, so that it cannot be optimised for.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from stylefuse.data.torchfile import read_tensors
from stylefuse.errors import UserError
from stylefuse.models.compilation import compile_for_inference
from stylefuse.paths import NETWORKS

NETWORK = "efficientnet-lite0"
INPUT_SIDE = 224  # pixels
BLOCK_GROUPS = ((1, 1), (2, 2), (2, 2), (2, 3), (1, 3), (2, 4), (1, 1))  # stride, repeats
STYLE_BLOCKS = (0, 2, 4)  # the last block at strides 2, 4 and 8
BATCH = 32
MEAN = np.array([123.675, 116.28, 103.53])  # of ImageNet's pixels, as the weights expect
DEVIATION = np.array([58.395, 57.12, 57.375])


class Features(NamedTuple):
    """Features of some pictures.

    Attributes:
        pooled: float64 `[n, 1280]`, which FID and KID compare.
        style: float64 `[n, 2·channels]`, means and deviations of early feature maps.
    """

    pooled: np.ndarray
    style: np.ndarray


class FeatureNetwork:
    """EfficientNet-Lite0: Tan & Le 2019 without squeeze-and-excitation and swish.

    Args:
        folder: holds the published weights, a `.pth` file.

    Raises:
        UserError: the folder holds no weights.
    """

    def __init__(self, folder: Path = NETWORKS / NETWORK):
        weight_files = sorted(folder.glob("*.pth"))
        if not weight_files:
            raise UserError(
                f"{folder} holds no weights of the feature network; run `dvc repro ingest`",
                code="network-missing",
            )
        model = _build(read_tensors(weight_files[0].read_bytes()))
        self._compute = compile_for_inference(lambda batch: model(batch, training=False))

    def __call__(self, pictures: np.ndarray) -> Features:
        """Compute the features of uint8 pictures `[n, side, side, 3]`."""
        pooled, styles = [], []
        for start in range(0, len(pictures), BATCH):
            batch = np.stack([_resize(p) for p in pictures[start : start + BATCH]])
            top, *maps = self._compute(batch)
            pooled.append(top)
            styles.append(
                np.concatenate([s for m in maps for s in (m.mean((1, 2)), m.std((1, 2)))], axis=1)
            )
        return Features(*(np.concatenate(part).astype(np.float64) for part in (pooled, styles)))

    def maps(self, pictures: np.ndarray) -> list[np.ndarray]:
        """Early feature maps of float32 levels `[n, height, width, 3]`, at their own size.

        Returns:
            `[n, height/s, width/s, channels]` for the strides 2, 4 and 8.
        """
        batches = [
            self._compute(pictures[start : start + BATCH])[1:]
            for start in range(0, len(pictures), BATCH)
        ]
        return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


def _resize(picture: np.ndarray) -> np.ndarray:
    """Resize to 224×224, each channel as float with antialiased bicubic (Parmar et al. 2022)."""
    channels = [
        Image.fromarray(picture[..., i].astype(np.float32)).resize(
            (INPUT_SIDE, INPUT_SIDE), Image.Resampling.BICUBIC
        )
        for i in range(3)
    ]
    return np.stack([np.asarray(channel) for channel in channels], axis=-1)


def _build(tensors: dict[str, np.ndarray]) -> Any:
    """A Keras model with the published weights: pictures → pooled features, early maps."""
    import keras
    from keras import layers

    weights: list[tuple[str, list[np.ndarray]]] = []

    def add(layer, values: list[np.ndarray]):
        weights.append((layer.name, values))
        return layer

    def conv(x, name: str, stride: int = 1):
        kernel = tensors[f"{name}.weight"].transpose(2, 3, 1, 0)
        layer = layers.Conv2D(kernel.shape[3], kernel.shape[0], stride, "same", use_bias=False)
        return add(layer, [kernel])(x)

    def depthwise(x, name: str, stride: int):
        kernel = tensors[f"{name}.weight"].transpose(2, 3, 0, 1)
        layer = layers.DepthwiseConv2D(kernel.shape[0], stride, "same", use_bias=False)
        return add(layer, [kernel])(x)

    def norm(x, name: str):
        parts = ("weight", "bias", "running_mean", "running_var")
        layer = layers.BatchNormalization(epsilon=1e-3)
        return add(layer, [tensors[f"{name}.{part}"] for part in parts])(x)

    inputs = keras.Input((None, None, 3))
    x = layers.Rescaling(1 / DEVIATION, -MEAN / DEVIATION)(inputs)
    x = layers.ReLU(6.0)(norm(conv(x, "_conv_stem", 2), "_bn0"))
    maps = []
    for index, stride in enumerate(s if i == 0 else 1 for s, n in BLOCK_GROUPS for i in range(n)):
        block, entry = f"_blocks.{index}.", x
        if f"{block}_expand_conv.weight" in tensors:
            x = layers.ReLU(6.0)(norm(conv(x, f"{block}_expand_conv"), f"{block}_bn0"))
        x = depthwise(x, f"{block}_depthwise_conv", stride)
        x = layers.ReLU(6.0)(norm(x, f"{block}_bn1"))
        x = norm(conv(x, f"{block}_project_conv"), f"{block}_bn2")
        if stride == 1 and x.shape[-1] == entry.shape[-1]:
            x = layers.Add()([x, entry])
        if index in STYLE_BLOCKS:
            maps.append(x)
    x = layers.ReLU(6.0)(norm(conv(x, "_conv_head"), "_bn1"))
    model = keras.Model(inputs, [layers.GlobalAveragePooling2D()(x), *maps])
    for name, values in weights:
        model.get_layer(name).set_weights(values)
    return model
