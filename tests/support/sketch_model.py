"""A complete model: it learns to draw photographs as outlines. Its predictor is PREDICTOR."""

from typing import ClassVar

import numpy as np

from stylefuse.config import NotNegative, Train
from stylefuse.data.batches import load_tiles, random_crops, step_rng
from stylefuse.images.arrays import random_pictures, to_float, to_uint8
from stylefuse.models.task import Task


class Settings(Train):
    domains: ClassVar = ("photograph",)

    likeness: NotNegative  # weight of the distance to the true outlines


class PhotographBatches:
    """Random crops in random orientations."""

    def __init__(self, folder, split, settings, seed):
        self.tiles = load_tiles(folder, split, "photograph", settings.crop)
        self.split, self.settings, self.seed = split, settings, seed

    def at(self, step):
        rng = step_rng(self.seed, step, self.split)
        rows, orientations = rng.integers((len(self.tiles), 8), size=(self.settings.batch, 2)).T
        return (random_crops(self.tiles, rows, orientations, self.settings.crop, rng),)


def outlines(x):
    """White pixels, black where they differ from the pixels above and to the left."""
    from keras import ops

    edges = sum(ops.abs(x - ops.roll(x, 1, axis)) for axis in (1, 2))
    drawn = 1 - 2 * ops.tanh(2 * ops.mean(edges, axis=-1, keepdims=True))
    return ops.repeat(drawn, 3, axis=-1)


class SketchTask(Task):
    name = "sketch"
    description = "**Draws a photograph as outlines.** Send `picture` as a base64 picture."
    metric_names = ("adversarial", "distance")

    def build_generator(self, width):
        from keras import Input, Model, layers

        picture = Input((None, None, 3), name="picture")
        h = layers.Conv2D(width, 3, padding="same", activation="relu", name="see")(picture)
        drawn = layers.Conv2D(3, 3, padding="same", dtype="float32", name="draw")(h)
        return Model(picture, drawn, name="generator")

    def build_discriminator(self, settings):
        from keras import Input, Model, layers

        drawn = Input((None, None, 3), name="drawn")
        width = settings.discriminator_width
        h = layers.Conv2D(width, 4, 2, padding="same", activation="leaky_relu", name="see")(drawn)
        return Model(drawn, layers.Conv2D(1, 4, 2, name="logits")(h), name="discriminator")

    def make_batches(self, folder, split, settings, seed):
        return PhotographBatches(folder, split, settings, seed)

    def discriminator_loss(self, generator, discriminator, settings, penalise, phase):
        from keras import ops

        from stylefuse.models.losses import logistic_loss, share

        def loss_function(photograph, probability):
            real = discriminator(outlines(photograph))
            fake = discriminator(ops.stop_gradient(generator(photograph)))
            loss = logistic_loss(real) + logistic_loss(-fake)
            return loss, (loss, share(real > 0), share(fake < 0))

        return loss_function

    def generator_loss(self, generator, discriminator, settings, phase):
        from keras import ops

        from stylefuse.models.losses import logistic_loss

        def loss_function(photograph, probability):
            drawn = generator(photograph)
            adversarial = logistic_loss(discriminator(drawn))
            distance = ops.mean(ops.abs(drawn - outlines(photograph)))
            return adversarial + settings.likeness * distance, (adversarial, distance)

        return loss_function

    def graphs(self, generator):
        from stylefuse.models.onnx_graph import GraphBuilder

        graph = GraphBuilder()
        h = graph.read_picture("picture")
        for name, activate in (("see", True), ("draw", False)):
            kernel, bias = map(np.asarray, generator.get_layer(name).weights)
            h = graph.raw_convolution(graph.pad(h, 1, "constant"), kernel, bias)
            h = graph.node("Relu", h) if activate else h
        graph.write_picture("painted", h)
        return {"generator": graph.serialized()}

    def largest_difference(self, generator, model):
        pictures = random_pictures(1, 40, 48, seed=0)
        painted = model.graph("generator")(picture=pictures)["painted"]
        expected = to_uint8(np.asarray(generator(to_float(pictures))))
        return int(np.abs(expected.astype(int) - painted).max())

    def sample_grid(self, generator, held_out):
        photographs = held_out.tiles[:6]
        drawn = to_uint8(np.asarray(generator(to_float(photographs))))
        return np.concatenate([np.concatenate(row, axis=1) for row in (photographs, drawn)])


TASK = SketchTask()

# src/stylefuse/inference/sketch.py
PREDICTOR = """
from stylefuse.inference.predictor import Predictor


class SketchPredictor(Predictor):
    name = "sketch"


PREDICTOR = SketchPredictor
"""
