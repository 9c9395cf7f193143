"""A portrait for a seed: what the command line and the server share."""

from typing import Any

import numpy as np
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.arrays import to_levels
from stylefuse.inference.compilation import compiled
from stylefuse.inference.options import PortraitOptions


def make_predictor(generator: Any, max_side: int) -> "PortraitPredictor":
    """See `PortraitPredictor`."""
    return PortraitPredictor(generator)


class PortraitPredictor:
    """Invents portraits.

    Args:
        generator: one of the portrait networks.
    """

    def __init__(self, generator: Any):
        self.latent = generator.latent
        self._call = compiled(lambda latents: generator(latents))

    def paint(self, seeds: dict[str, int], options: PortraitOptions) -> Image.Image:
        """The portrait of the number "seed", or one on the way to another seed's.

        Returns:
            An "RGB" picture of 64×64 pixels, the same whenever the seed is the same.

        Raises:
            UserError: a seed is negative.
        """
        latents = self._latents(seeds["seed"])
        if options.towards >= 0:
            latents = blended(latents, self._latents(options.towards), options.blend)
        return Image.fromarray(to_levels(self._call(latents[None])[0]))

    def _latents(self, seed: int) -> np.ndarray:
        if seed < 0:
            raise UserError(f"a seed must be a whole number from 0, not {seed}")
        return np.random.default_rng(seed).standard_normal(self.latent, dtype=np.float32)


def blended(a: np.ndarray, b: np.ndarray, share: float) -> np.ndarray:
    """Between two latent vectors along the sphere (White 2016, eq. 1): a straight way would pass
    through vectors much shorter than any that training saw."""
    cosine = np.dot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-12)
    angle = np.arccos(np.clip(cosine, -1, 1))
    if angle < 1e-4:
        return (1 - share) * a + share * b
    mixed = np.sin((1 - share) * angle) * a + np.sin(share * angle) * b
    return (mixed / np.sin(angle)).astype(np.float32)
