"""Fit the detector of a restoration model on many more pictures than a training of crops sees:
photographs, paintings, portraits and drawings, about half of them undamaged.

    python -m tools.fit_restore FOLDER

What is best on validation photographs is kept. The same folder gives the same weights.
"""

import argparse
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pandas as pd

from stylefuse.config import load_params
from stylefuse.images.open import flatten, open_picture
from stylefuse.models.restore.batches import FEATURE_NOISE, RestoreBatches
from stylefuse.models.restore.feature_dataset import degrade_some, make_rows
from stylefuse.models.restore.losses import detector_loss
from stylefuse.models.restore.undamaged import draw as draw_undamaged
from stylefuse.models.restore.undamaged import publish
from stylefuse.models.saving import load_generator, save_generator
from stylefuse.paths import MANIFEST, PREPARED
from stylefuse.training.backend import compile_loss, gradient_step

ROWS = {"train": 7000, "validation": 800}
LARGE_ROWS = {"train": 500, "validation": 80}  # more of large drawings
LARGE_SIDES = 250, 900  # pixels
WHOLE_PROBABILITY = 0.4  # of a part of a whole picture, of any domain, beside `any_picture`
SIDES = 80, 400  # of the part, pixels
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
    manifest = pd.read_parquet(MANIFEST)
    domains = [group.path for _, group in manifest[manifest.split == split].groupby("domain")]
    load = cache(lambda path: np.asarray(flatten(open_picture(Path(path)))))

    def draw(rng: np.random.Generator) -> np.ndarray:
        if rng.random() >= WHOLE_PROBABILITY:
            return batches.any_picture(rng)
        paths = domains[rng.integers(len(domains))]
        picture = load(paths.iloc[rng.integers(len(paths))])
        height, width = np.minimum(rng.integers(*SIDES, 2), picture.shape[:2])
        top, left = rng.integers(np.array(picture.shape[:2]) - [height, width] + 1)
        return publish(np.ascontiguousarray(picture[top:, left:][:height, :width]), rng)

    def draw_large(rng: np.random.Generator) -> np.ndarray:
        return publish(draw_undamaged(rng, LARGE_SIDES), rng)

    seed = params.seed + SEEDS[split]
    rows = make_rows(draw, degrade_some, range(ROWS[split]), seed)
    numbers = range(ROWS[split], ROWS[split] + LARGE_ROWS[split])
    large = make_rows(draw_large, degrade_some, numbers, seed)
    features, labels = (np.concatenate(halves) for halves in zip(rows[:2], large[:2], strict=True))
    return features, labels


if __name__ == "__main__":
    main()
