"""Portraits of characters that do not exist: the settings and the task of the portrait model."""

from typing import Any, ClassVar, Literal

import numpy as np

from stylefuse.config import Count, Train
from stylefuse.models.task import Task

Architecture = Literal["regular", "progressive", "dcgan"]
LEVELS = 4  # of progressive growing: 8, 16, 32 and 64 pixels


class Settings(Train):
    """The settings of a portrait model that other models do not have."""

    domains: ClassVar = ("portrait",)

    architecture: Architecture
    latent: Count  # length of a latent vector


CALIBRATION_LATENTS = 512


class PortraitTask(Task):
    name = "portrait"
    description = """\
**Invents painted portraits of characters that do not exist**, 64×64 pixels. The same seed always
gives the same character.

Send `seed`, a whole number; `picture` comes back as a base64 PNG that is marked as synthetic in
its metadata. Parameters: `towards`, a second seed, and `blend` 0…1, its share.
"""
    intended_use = """\
For characters of games and stories, and for studying generators that are trained on few pictures.
Not for presenting an invented face as a real person's, nor for pictures larger than it makes. It
was trained on painted heads of one fantasy game: other ages, features and styles are rare in it, or
missing.
"""
    architecture = ("architecture", "latent", "width")
    metric_names = ("adversarial", "variety")

    def phase(self, step: int, settings: Settings) -> int:
        """The level of progressive networks, 0…`LEVELS` − 1; other architectures have one phase."""
        if settings.architecture != "progressive":
            return 0
        share = step * settings.batch / (1000 * settings.kimg)
        return min(int(share * LEVELS), LEVELS - 1)

    def calibrate_batch_norm(self, generator: Any) -> None:
        if hasattr(generator, "calibrate_batch_norm"):
            rng = np.random.default_rng(0)
            latents = rng.standard_normal((CALIBRATION_LATENTS, generator.latent), dtype=np.float32)
            generator.calibrate_batch_norm(latents)


TASK = PortraitTask()
