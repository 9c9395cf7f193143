"""Compares the ONNX graph of a portrait generator with Keras."""

from typing import Any

import numpy as np

from stylefuse.images.arrays import to_uint8
from stylefuse.inference.model_folder import ModelFolder

LATENTS = 16


def largest_difference(generator: Any, model: ModelFolder) -> int:
    """See `Task`."""
    rng = np.random.default_rng(0)
    latents = rng.standard_normal((LATENTS, generator.latent), dtype=np.float32)
    expected = to_uint8(np.asarray(generator(latents)))
    portraits = model.graph("generator")(latents=latents)["portraits"]
    return int(np.abs(expected.astype(int) - portraits).max())
