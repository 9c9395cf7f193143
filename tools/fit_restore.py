"""Fit the parts of a restoration model that work on features of whole pictures alone, its detector
and its correction of colours, on many more pictures than a training of crops sees.

    python -m tools.fit_restore FOLDER

What is best on validation photographs is kept. The same folder gives the same weights.
"""

import argparse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from keras import ops

from stylefuse.config import load_params
from stylefuse.models.restore.batches import FEATURE_NOISE, RestoreBatches
from stylefuse.models.restore.feature_dataset import FeatureDataset, make_feature_dataset
from stylefuse.models.restore.losses import colour_loss, detector_loss
from stylefuse.models.saving import load_generator, save_generator
from stylefuse.paths import PREPARED
from stylefuse.training.backend import compile_loss, gradient_step

ROWS = {"train": 4000, "validation": 800}  # of each half
BATCH, STEPS, CHECK = 128, 6000, 250
LEARNING_RATE = 3e-3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a trained restoration model; it is overwritten")
    folder = parser.parse_args().folder
    task, generator = load_generator(folder)
    fit(generator, _rows("train"), _rows("validation"))
    shape = {"width": generator.width, "blocks": generator.block_count, "code": generator.code}
    save_generator(task, SimpleNamespace(**shape), generator, folder)


def fit(generator: Any, train: FeatureDataset, held_out: FeatureDataset) -> None:
    """Train `generator.detector` and `generator.tone`, and keep what is best on held-out rows."""
    weights = [*generator.detector.trainable_variables, *generator.tone.trainable_variables]
    optimizer = keras.optimizers.Adam(LEARNING_RATE, 0.9, 0.99)
    optimizer.build(weights)

    def loss_function(features, labels, colour_features, colour_labels, points):
        detected = detector_loss(
            generator,
            ops.concatenate([features, colour_features]),
            ops.concatenate([labels, colour_labels]),
        )
        colour = colour_loss(generator, colour_features, colour_labels, points)
        return detected + colour, (detected, colour)

    step, measure = (
        gradient_step(loss_function, weights, optimizer),
        compile_loss(loss_function, weights),
    )
    rng, best, kept = np.random.default_rng(0), np.inf, []
    for number in range(STEPS + 1):
        if number % CHECK == 0:
            losses = [float(loss) for loss in measure(*_batch(held_out, slice(None)))]
            print(f"{number}: detector {losses[0]:.4f}, colour {losses[1]:.4f}", flush=True)
            if sum(losses) < best:
                best, kept = sum(losses), [np.array(weight) for weight in weights]
        rows = rng.integers(len(train.features[0]), size=BATCH)
        features, labels, colour_features, *rest = _batch(train, rows)
        noise = FEATURE_NOISE * rng.standard_normal((2, *features.shape), np.float32)
        optimizer.learning_rate = LEARNING_RATE * (1 + np.cos(np.pi * number / STEPS)) / 2
        step(features + noise[0], labels, colour_features + 0.3 * noise[1], *rest)
    for weight, value in zip(weights, kept, strict=True):
        weight.assign(value)


def _rows(split: Any) -> FeatureDataset:
    params = load_params()
    settings = params.models["restore"]["cpu"].model_copy(update={"kimg": 1e-3})
    regions = RestoreBatches(PREPARED, split, settings, params.seed)
    return make_feature_dataset(regions.region, ROWS[split], params.seed + 1)


def _batch(rows: FeatureDataset, index: Any) -> list[np.ndarray]:
    (features, colour_features), (labels, colour_labels) = rows.features, rows.labels
    columns = features, labels, colour_features, colour_labels, rows.points[1]
    return [column[index] for column in columns]


if __name__ == "__main__":
    main()
