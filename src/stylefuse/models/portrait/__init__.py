"""Portraits of people who do not exist, from random numbers: three architectures."""

from typing import Any, ClassVar, Literal

import numpy as np

from stylefuse.config import Count, Train
from stylefuse.inference.options import PortraitOptions
from stylefuse.models.task import Task

Architecture = Literal["regular", "progressive", "dcgan"]
LEVELS = 4  # resolutions of the progressive networks: 8, 16, 32 and 64 pixels


class Settings(Train):
    """What the portrait model has beside the common settings."""

    domains: ClassVar = ("portrait",)

    architecture: Architecture
    latent: Count  # random numbers that a portrait is made of


class PortraitTask(Task):
    name = "portrait"
    description = """\
**Invents portraits of characters that do not exist**, painted ones of 64×64 pixels; a seed is
always the same character.

Send `seed`, a whole number; `picture` comes back as a base64 PNG that is marked as synthetic in
its metadata. Parameters: `towards`, a second seed, and `blend` 0…1, how much of it.
"""
    intended_use = """\
For characters of games and stories, and for studying generators of few pictures. Not for passing
an invented face off as a person's, nor for pictures larger than it makes. It has seen painted heads
of one fantasy game: other ages, features and styles are rare in it or missing.
"""
    inputs: ClassVar = {"seed": int}
    source_type = "trainedAlgorithmicMedia"
    options = PortraitOptions
    architecture = ("architecture", "latent", "width")
    metric_names = ("adversarial", "variety")

    def phase(self, step: int, settings: Settings) -> int:
        """The resolution that progressive networks have grown to; the others have one phase."""
        if settings.architecture != "progressive":
            return 0
        share = step * settings.batch / (1000 * settings.kimg)
        return min(int(share * LEVELS), LEVELS - 1)

    def calibrate_batch_norm(self, generator: Any) -> None:
        if hasattr(generator, "calibrate_batch_norm"):
            rng = np.random.default_rng(0)
            latents = rng.standard_normal((512, generator.latent), dtype=np.float32)
            generator.calibrate_batch_norm(latents)


TASK = PortraitTask()
