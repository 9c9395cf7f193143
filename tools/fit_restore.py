"""Fit the detector of a restoration model on many more pictures than a training of crops sees:
photographs, paintings, portraits and drawings, about half of them undamaged.

    python -m tools.fit_restore FOLDER

What is best on validation photographs is kept. The same folder gives the same weights.
"""

import argparse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np

from stylefuse.config import load_params
from stylefuse.data.batches import load_tiles
from stylefuse.models.restore.batches import FEATURE_NOISE, RestoreBatches
from stylefuse.models.restore.feature_dataset import degrade_some, make_rows
from stylefuse.models.restore.losses import detector_loss
from stylefuse.models.restore.undamaged import publish
from stylefuse.models.saving import load_generator, save_generator
from stylefuse.paths import PREPARED
from stylefuse.training.backend import compile_loss, gradient_step

ROWS = {"train": 4500, "validation": 700}
PAINTED, PAINTED_PROBABILITY = ("painting", "portrait"), 0.25
BATCH, STEPS, CHECK = 128, 6000, 250
LEARNING_RATE = 3e-3
SEEDS = {"train": 1, "validation": 2}

Rows = tuple[np.ndarray, np.ndarray]  # features and labels


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a trained restoration model; it is overwritten")
    folder = parser.parse_args().folder
    task, generator = load_generator(folder)
    fit(generator, make_split("train"), make_split("validation"))
    shape = {"width": generator.width, "blocks": generator.block_count, "code": generator.code}
    save_generator(task, SimpleNamespace(**shape), generator, folder)


def fit(generator: Any, train: Rows, held_out: Rows) -> None:
    """Train `generator.detector`, and keep what is best on held-out rows."""
    weights = generator.detector.trainable_variables
    optimizer = keras.optimizers.Adam(LEARNING_RATE, 0.9, 0.99)
    optimizer.build(weights)

    def loss_function(features, labels):
        loss = detector_loss(generator, features, labels)
        return loss, (loss,)

    step, measure = (
        gradient_step(loss_function, weights, optimizer),
        compile_loss(loss_function, weights),
    )
    rng, best, kept = np.random.default_rng(0), np.inf, []
    for number in range(STEPS + 1):
        if number % CHECK == 0:
            loss = float(measure(*held_out)[0])
            print(f"{number}: {loss:.4f}", flush=True)
            if loss < best:
                best, kept = loss, [np.array(weight) for weight in weights]
        rows = rng.integers(len(train[0]), size=BATCH)
        features, labels = (column[rows] for column in train)
        noise = FEATURE_NOISE * rng.standard_normal(features.shape, np.float32)
        optimizer.learning_rate = LEARNING_RATE * (1 + np.cos(np.pi * number / STEPS)) / 2
        step(features + noise, labels)
    for weight, value in zip(weights, kept, strict=True):
        weight.assign(value)


def make_split(split: Any) -> Rows:
    """Features and labels of the pictures of a split."""
    params = load_params()
    settings = params.models["restore"]["cpu"].model_copy(update={"kimg": 1e-3})
    batches = RestoreBatches(PREPARED, split, settings, params.seed)
    painted = [load_tiles(PREPARED, split, domain, settings.crop) for domain in PAINTED]

    def draw(rng: np.random.Generator) -> np.ndarray:
        if rng.random() >= PAINTED_PROBABILITY:
            return batches.any_picture(rng)
        tiles = painted[rng.integers(len(painted))]
        return publish(tiles[rng.integers(len(tiles))], rng)

    features, labels, _ = make_rows(
        draw, degrade_some, range(ROWS[split]), params.seed + SEEDS[split]
    )
    return features, labels


if __name__ == "__main__":
    main()
