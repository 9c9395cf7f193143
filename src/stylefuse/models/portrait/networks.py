"""Networks of the portrait model: a generator and a discriminator for each architecture.

Latents are standard normal, `[batch, latent]`; pictures are `[batch, 64, 64, 3]` in −1…1. The names
of attributes and layers, and of layers' classes, are part of saved weights; do not change them.
"""

from typing import Any

import keras

from stylefuse.models.portrait.dcgan import DcganDiscriminator, DcganGenerator
from stylefuse.models.portrait.progressive import ProgressiveDiscriminator, ProgressiveGenerator
from stylefuse.models.portrait.regularized import RegularDiscriminator, RegularGenerator

ARCHITECTURES: dict[str, tuple[Any, Any]] = {
    "dcgan": (DcganGenerator, DcganDiscriminator),
    "progressive": (ProgressiveGenerator, ProgressiveDiscriminator),
    "regular": (RegularGenerator, RegularDiscriminator),
}


def build_generator(architecture, latent, width):
    """A generator with initial weights.

    Args:
        architecture: "dcgan", "progressive" or "regular".
        latent: length of a latent vector.
        width: channels at the highest resolution.
    """
    generator = ARCHITECTURES[architecture][0](latent, width, name="generator")
    generator(keras.KerasTensor((None, latent)))
    return generator


def build_discriminator(settings):
    """A discriminator of `settings.architecture` and `settings.discriminator_width` with initial
    weights."""
    discriminator = ARCHITECTURES[settings.architecture][1](
        settings.discriminator_width, name="discriminator"
    )
    discriminator(keras.KerasTensor((None, 64, 64, 3)))
    return discriminator
