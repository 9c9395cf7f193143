"""Generating a portrait from a seed."""

from typing import Any

import numpy as np
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.arrays import to_uint8
from stylefuse.inference.compilation import compile_for_inference
from stylefuse.inference.options import PortraitOptions


def make_predictor(generator: Any, max_side: int) -> "PortraitPredictor":
    """See `PortraitPredictor`. The portraits' size is the generator's, whatever `max_side` is."""
    return PortraitPredictor(generator)


class PortraitPredictor:
    """Generates portraits.

    Args:
        generator: one of the portrait networks, `[batch, latent]` → `[batch, 64, 64, 3]`.
    """

    def __init__(self, generator: Any):
        self.latent = generator.latent
        self._generate = compile_for_inference(lambda latents: generator(latents))

    def paint(self, seeds: dict[str, int], options: PortraitOptions) -> Image.Image:
        """Generate the portrait of the number "seed", or a blend with another seed's.

        Returns:
            An "RGB" picture of 64×64 pixels; the same seed gives the same picture.

        Raises:
            UserError: a seed is negative.
        """
        latent = self._latent_of(seeds["seed"])
        if options.towards >= 0:
            latent = slerp(latent, self._latent_of(options.towards), options.blend)
        return Image.fromarray(to_uint8(self._generate(latent[None])[0]))

    def _latent_of(self, seed: int) -> np.ndarray:
        if seed < 0:
            raise UserError(
                f"a seed must be a whole number from 0, not {seed}", code="option-out-of-range"
            )
        return np.random.default_rng(seed).standard_normal(self.latent, dtype=np.float32)


def slerp(a: np.ndarray, b: np.ndarray, fraction: float) -> np.ndarray:
    """Spherical linear interpolation of two latent vectors (White 2016, eq. 1).

    Linear interpolation would give vectors much shorter than those of training.

    Args:
        a: `[latent]`.
        b: `[latent]`.
        fraction: 0 is a, 1 is b.
    """
    cosine = np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-12)
    angle = np.arccos(np.clip(cosine, -1, 1))
    if angle < 1e-4:
        return (1 - fraction) * a + fraction * b
    mixed = np.sin((1 - fraction) * angle) * a + np.sin(fraction * angle) * b
    return (mixed / np.sin(angle)).astype(np.float32)
