"""A fourth model, as someone might add one: it tints a picture several times."""

PACKAGE = """
from dataclasses import dataclass
from typing import ClassVar

from PIL import Image

from stylefuse.config import Train
from stylefuse.errors import UserError
from stylefuse.models.recipe import Options, Recipe


class Settings(Train):
    domains: ClassVar = ("painting",)


@dataclass(frozen=True)
class ToyOptions(Options):
    colour: str = "red"
    share: float = 0.5


class ToyArtist:
    def __init__(self, max_side):
        self.max_side = max_side

    def paint(self, given, options):
        if given["times"] > 9:
            raise UserError("that is too often")
        picture = given["canvas"].convert("RGB")
        for _ in range(given["times"]):
            tint = Image.new("RGB", picture.size, options.colour)
            picture = Image.blend(picture, tint, options.share)
        return picture


class ToyRecipe(Recipe):
    name = "toy"
    card = "**Tints a picture.**"
    inputs = {"canvas": Image.Image, "times": int}
    options = ToyOptions
    build_discriminator = batches = discriminator_loss = generator_loss = show = None

    def build_generator(self, width):
        import keras

        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(width, name="tint")])

    def artist(self, generator, max_side):
        return ToyArtist(max_side)


TASK = ToyRecipe()
"""
