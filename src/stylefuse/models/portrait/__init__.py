"""Portraits of people who do not exist, from random numbers: three ways to train them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from stylefuse.config import Count, Split, Train
from stylefuse.errors import UserError
from stylefuse.models.recipe import Batches, Objective, Options, Recipe

Architecture = Literal["regular", "progressive", "dcgan"]
LEVELS = 4  # resolutions of the progressive networks: 8, 16, 32 and 64 pixels


class Settings(Train):
    """What the portrait model has beside the common settings."""

    domains: ClassVar = ("portrait",)

    architecture: Architecture
    latent: Count  # random numbers that a portrait is made of


@dataclass(frozen=True)
class PortraitOptions(Options):
    """Which portrait to invent.

    Args:
        towards: a second seed, to be blended in; −1 for none.
        blend: 0 is the first seed's portrait, 1 the second's.

    Raises:
        UserError: a value is out of its range.
    """

    towards: int = -1
    blend: float = 0.5

    def __post_init__(self) -> None:
        if not 0 <= self.blend <= 1:
            raise UserError(f"blend must be a number from 0 to 1, not {self.blend}")
        if self.towards < -1:
            raise UserError(f"towards must be a seed from 0, or -1, not {self.towards}")


class PortraitRecipe(Recipe):
    name = "portrait"
    card = """\
**Invents portraits of characters that do not exist**, painted ones of 64×64 pixels; a seed is
always the same character.

Send `seed`, a whole number; `picture` comes back as a base64 PNG that is marked as synthetic in
its metadata. Parameters: `towards`, a second seed, and `blend` 0…1, how much of it.
"""
    caution = """\
For characters of games and stories, and for studying generators of few pictures. Not for passing
an invented face off as a person's, nor for pictures larger than it makes. It has seen painted heads
of one fantasy game: other ages, features and styles are rare in it or missing.
"""
    inputs: ClassVar = {"seed": int}
    source_type = "trainedAlgorithmicMedia"
    options = PortraitOptions
    shape = ("architecture", "latent", "width")
    reports = ("adversarial", "variety")

    def build_generator(self, **shape: Any) -> Any:
        from stylefuse.models.portrait.networks import build_generator

        return build_generator(**shape)

    def build_discriminator(self, settings: Settings) -> Any:
        from stylefuse.models.portrait.networks import build_discriminator

        return build_discriminator(settings.architecture, settings.discriminator_width)

    def batches(self, folder: Path, split: Split, settings: Settings, seed: int) -> Batches:
        from stylefuse.models.portrait.faces import FaceBatches

        return FaceBatches(folder, split, settings, seed)

    def settle(self, generator: Any) -> None:
        """Fix the statistics of batch normalisation, which the averaging knows nothing of."""
        if hasattr(generator, "settle"):
            stream = np.random.default_rng(0)
            generator.settle(stream.standard_normal((512, generator.latent), dtype=np.float32))

    def stage(self, step: int, settings: Settings) -> int:
        """The resolution that progressive networks have grown to; the others begin full-grown."""
        if settings.architecture != "progressive":
            return 0
        share = step * settings.batch / (1000 * settings.kimg)
        return min(int(share * LEVELS), LEVELS - 1)

    def discriminator_objective(
        self, generator: Any, discriminator: Any, settings: Settings, penalise: bool, stage: int
    ) -> Objective:
        from stylefuse.models.portrait.objectives import discriminator_objective

        return discriminator_objective(generator, discriminator, settings, penalise, stage)

    def generator_objective(
        self, generator: Any, discriminator: Any, settings: Settings, stage: int
    ) -> Objective:
        from stylefuse.models.portrait.objectives import generator_objective

        return generator_objective(generator, discriminator, settings, stage)

    def show(self, generator: Any, held_out: Any) -> Any:
        from stylefuse.models.portrait.faces import sheet

        return sheet(generator, held_out)

    def artist(self, generator: Any, max_side: int) -> Any:
        from stylefuse.models.portrait.artist import PortraitArtist

        return PortraitArtist(generator)


RECIPE = PortraitRecipe()
