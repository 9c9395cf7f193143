"""The source of a fourth model, as a user might add one: it tints a picture several times."""

PACKAGE = """
from dataclasses import dataclass
from typing import ClassVar

from PIL import Image

from stylefuse.config import Train
from stylefuse.errors import UserError
from stylefuse.inference.options import Options
from stylefuse.models.task import Task


class Settings(Train):
    domains: ClassVar = ("painting",)


@dataclass(frozen=True)
class ToyOptions(Options):
    colour: str = "red"
    share: float = 0.5


class ToyPredictor:
    def __init__(self, max_side):
        self.max_side = max_side

    def paint(self, inputs, options):
        if inputs["times"] > 9:
            raise UserError("that is too often")
        picture = inputs["canvas"].convert("RGB")
        for _ in range(inputs["times"]):
            tint = Image.new("RGB", picture.size, options.colour)
            picture = Image.blend(picture, tint, options.share)
        return picture


class ToyTask(Task):
    name = "toy"
    description = "**Tints a picture.**"
    inputs = {"canvas": Image.Image, "times": int}
    options = ToyOptions

    def build_generator(self, width):
        import keras

        return keras.Sequential([keras.Input((3,)), keras.layers.Dense(width, name="tint")])

    def make_predictor(self, generator, max_side):
        return ToyPredictor(max_side)


TASK = ToyTask()
"""
