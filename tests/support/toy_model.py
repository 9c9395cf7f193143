"""The source of a fourth model, as a user might add one: it tints a picture several times."""

PACKAGE = """
from typing import ClassVar

from stylefuse.config import Train
from stylefuse.models.task import Task


class Settings(Train):
    domains: ClassVar = ("painting",)


class ToyTask(Task):
    name = "toy"
    description = "**Tints a picture.**"

    def build_generator(self, width):
        import keras

        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(width, name="tint")])

    def graphs(self, generator):
        return {}

    def largest_difference(self, generator, model):
        return 0


TASK = ToyTask()
"""

PREDICTOR = """
from dataclasses import dataclass

from PIL import Image

from stylefuse.errors import UserError
from stylefuse.inference.options import Options
from stylefuse.inference.predictor import Predictor


@dataclass(frozen=True)
class ToyOptions(Options):
    colour: str = "red"
    share: float = 0.5


class ToyPredictor(Predictor):
    name = "toy"
    inputs = {"canvas": Image.Image, "times": int}
    options = ToyOptions

    def paint(self, inputs, options):
        if inputs["times"] > 9:
            raise UserError("that is too often")
        picture = inputs["canvas"].convert("RGB")
        for _ in range(inputs["times"]):
            tint = Image.new("RGB", picture.size, options.colour)
            picture = Image.blend(picture, tint, options.share)
        return picture


PREDICTOR = ToyPredictor
"""
