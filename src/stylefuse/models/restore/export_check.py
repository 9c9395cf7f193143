"""Compares the ONNX graph of a restoration generator with Keras."""

from typing import Any

import numpy as np

from stylefuse.images.arrays import random_pictures, to_float, to_uint8
from stylefuse.inference.degradation_features import degradation_features
from stylefuse.inference.model_folder import ModelFolder

SIZES = (64, 64), (96, 160), (200, 256)  # heights and widths


def largest_difference(generator: Any, model: ModelFolder) -> int:
    """See `Task`. Tiles are the same graph on parts of a picture."""
    restorer, differences = model.graph("restorer"), []
    for seed, size in enumerate(SIZES):
        pictures = random_pictures(1, *size, seed)
        features = degradation_features(pictures[0])[None]
        expected = to_uint8(np.asarray(generator(to_float(pictures), features)))
        restored = restorer(picture=pictures, features=features)["restored"]
        differences.append(np.abs(expected.astype(int) - restored).max())
    return int(max(differences))
