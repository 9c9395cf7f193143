"""Generating a portrait from a seed."""

from typing import Any, ClassVar

import numpy as np
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.inference.model_folder import ModelFolder
from stylefuse.inference.options import PortraitOptions
from stylefuse.inference.predictor import Predictor


class PortraitPredictor(Predictor):
    """Generates portraits of the size that the model has, whatever `max_side` is."""

    name = "portrait"
    inputs: ClassVar = {"seed": int}
    options: ClassVar[type[PortraitOptions]] = PortraitOptions
    source_type = "trainedAlgorithmicMedia"

    def __init__(self, model: ModelFolder, max_side: int | None = None):
        super().__init__(model, max_side)
        self._generator = model.graph("generator")
        self.latent = self._generator.input_size("latents", axis=1)

    def generate(self, latents: np.ndarray) -> np.ndarray:
        """Generate portraits: float32 `[n, latent]` → uint8 `[n, 64, 64, 3]`."""
        portraits: np.ndarray = self._generator(latents=latents)["portraits"]
        return portraits

    def paint(self, inputs: dict[str, Any], options: PortraitOptions) -> Image.Image:
        """Generate the portrait of the number "seed", or a blend with another seed's.

        Returns:
            An "RGB" picture of 64×64 pixels; the same seed gives the same picture.

        Raises:
            UserError: a seed is negative.
        """
        latent = self._latent_of(inputs["seed"])
        if options.towards >= 0:
            latent = slerp(latent, self._latent_of(options.towards), options.blend)
        return Image.fromarray(self.generate(latent[None])[0])

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


PREDICTOR = PortraitPredictor
