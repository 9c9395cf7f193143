"""Compares the ONNX graphs of a transfer generator with Keras."""

from typing import Any

import numpy as np

from stylefuse.images.arrays import random_pictures, to_float, to_uint8
from stylefuse.inference.model_folder import ModelFolder
from stylefuse.inference.stylizer import Stylizer

SIZES = (64, 64), (96, 160), (200, 256)  # heights and widths


def largest_difference(generator: Any, model: ModelFolder) -> int:
    """Paint at once, with given statistics as in tiles, and by region; see `Task`."""
    stylizer, differences = Stylizer(model), []
    for seed, size in enumerate(SIZES):
        content, style = random_pictures(2, *size, seed)
        x, codes = to_float(content[None]), stylizer.style_code([style, content])
        keras_codes = generator.encode_style(to_float(np.stack([style, content])))
        encoded = generator.encode_content(x)
        ramp = np.tile(np.linspace(0, 1, size[1], dtype=np.float32), (size[0], 1))
        regions = np.stack([ramp, 1 - ramp], axis=-1)
        plain = to_uint8(np.asarray(generator.decode(encoded, keras_codes[:1])))[0]
        by_region = generator.decode(encoded, keras_codes[None], regions[None])
        fused = to_uint8(np.asarray(by_region))[0]
        statistics = stylizer.measure(content, codes[0])
        pairs = (
            (plain, stylizer.render(content, codes[0])),
            (plain, stylizer.fuse([content], codes, codes, statistics=statistics)),
            (fused, stylizer.fuse([content], codes, codes, None, regions)),
        )
        differences += [np.abs(a.astype(int) - b).max() for a, b in pairs]
    return int(max(differences))
