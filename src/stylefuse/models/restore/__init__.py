"""Restoration: the shared backbone with skip connections, trained on damage made on the fly."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from stylefuse.config import Count, NotNegative, Split, Train
from stylefuse.errors import UserError
from stylefuse.models.recipe import Batches, Objective, Options, Recipe


class Settings(Train):
    """What the restoration model has beside the common settings."""

    domains: ClassVar = ("photograph",)

    blocks: Count  # residual blocks at the lowest resolution
    code: Count  # numbers that describe the damage of the whole picture
    adversarial: NotNegative  # weight beside the distance to the undamaged picture


@dataclass(frozen=True)
class RestoreOptions(Options):
    """How to restore.

    Args:
        strength: 0 leaves the picture as it is, 1 restores it.

    Raises:
        UserError: a value is out of its range.
    """

    strength: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.strength <= 1:
            raise UserError(f"strength must be a number from 0 to 1, not {self.strength}")


class RestoreRecipe(Recipe):
    name = "restore"
    card = """\
**Restores damaged photographs**: blur, low resolution, noise, JPEG blocks, scratches, fading and
sepia, alone or together, without being told which.

Send `picture` as a base64 picture; `picture` comes back as a base64 PNG of the same size.
Parameter: `strength` 0…1. What was lost is invented: a restored picture is no evidence.
"""
    caution = """\
For a first look at damaged photographs, and as a start for a retoucher. Not for evidence, medical
or scientific pictures: what was lost is invented. Faces and writing are what it is least able to
bring back, since it was trained on few of either.
"""
    options = RestoreOptions
    shape = ("width", "blocks", "code")
    reports = ("adversarial", "distance", "recognition", "colour", "variety")

    def build_generator(self, **shape: Any) -> Any:
        from keras import ops

        from stylefuse.models.restore.evidence import SIZE
        from stylefuse.models.restore.networks import RestoreGenerator

        generator = RestoreGenerator(**shape, name="generator")
        generator(ops.zeros((1, 64, 64, 3)), ops.zeros((1, SIZE)))
        return generator

    def build_discriminator(self, settings: Settings) -> Any:
        from keras import ops

        from stylefuse.models.restore.networks import RestoreDiscriminator

        discriminator = RestoreDiscriminator(settings.discriminator_width, name="discriminator")
        discriminator(ops.zeros((1, 64, 64, 3)), ops.zeros((1, 64, 64, 3)))
        return discriminator

    def batches(self, folder: Path, split: Split, settings: Settings, seed: int) -> Batches:
        from stylefuse.models.restore.pairs import DamagedBatches

        return DamagedBatches(folder, split, settings, seed)

    def discriminator_objective(
        self, generator: Any, discriminator: Any, settings: Settings, penalise: bool, stage: int
    ) -> Objective:
        from stylefuse.models.restore.objectives import discriminator_objective

        return discriminator_objective(generator, discriminator, settings, penalise)

    def generator_objective(
        self, generator: Any, discriminator: Any, settings: Settings, stage: int
    ) -> Objective:
        from stylefuse.models.restore.objectives import generator_objective

        return generator_objective(generator, discriminator, settings)

    def as_sent(self, picture: np.ndarray, stream: np.random.Generator) -> np.ndarray:
        from stylefuse.models.restore.damage import damage_some

        return damage_some(picture, stream)[0]

    def show(self, generator: Any, held_out: Any) -> Any:
        from stylefuse.models.restore.pairs import sheet

        return sheet(generator, held_out)

    def artist(self, generator: Any, max_side: int) -> Any:
        from stylefuse.models.restore.artist import RestoreArtist

        return RestoreArtist(generator, max_side)


RECIPE = RestoreRecipe()
