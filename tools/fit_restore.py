"""Fit the last decisions of a trained restoration model, which its training of crops learns slowly:
how much each classical answer counts in a whole picture.

`RestoreGenerator.choose` is fitted on crops of many training photographs at once, with all other
layers as they are; the weights that are best on validation photographs are kept.

    python -m tools.fit_restore FOLDER
"""

import argparse
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from keras import ops

from stylefuse.config import load_params
from stylefuse.images.arrays import to_float
from stylefuse.inference.degradation_features import analyse
from stylefuse.models.restore.batches import RestoreBatches
from stylefuse.models.restore.classical_filters import thin_structures
from stylefuse.models.restore.degradation import KINDS, degrade_randomly, degrade_with
from stylefuse.models.restore.losses import ERROR_FLOOR, INTACT_WEIGHT
from stylefuse.models.restore.networks import DETAIL_LABELS
from stylefuse.models.saving import load_generator, save_generator
from stylefuse.paths import PREPARED

ROWS = {"train": 900, "validation": 160}
PIXELS = 400  # of each crop
SINGLE_PROBABILITY = 0.5  # of one kind of the evaluated strength, instead of training's mixtures
STEPS, LEARNING_RATE, DECAY = 600, 0.03, 1e-4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a trained restoration model; it is overwritten")
    folder = parser.parse_args().folder
    params = load_params()
    settings = params.models["restore"]["base"].model_copy(update={"kimg": 1e-3})
    task, generator = load_generator(folder)
    rows = {
        split: make_rows(generator, settings, split, count, params.seed)
        for split, count in ROWS.items()
    }
    fit(generator, rows)
    shape = {"width": generator.width, "blocks": generator.block_count, "code": generator.code}
    save_generator(task, SimpleNamespace(**shape), generator, folder)


def make_rows(generator: Any, settings: Any, split: Any, count: int, seed: int) -> list[np.ndarray]:
    """Degraded crops of photographs: the code of each `[rows, numbers]`, its probabilities, at some
    pixels the network's output and the candidates, and the weight of each row in the loss."""
    batches, rows = RestoreBatches(PREPARED, split, settings, seed), []
    for row in range(count):
        rng = np.random.default_rng([seed, 77, row])
        region = batches._region(rng)  # noqa: SLF001: the same regions as in training
        if rng.random() < SINGLE_PROBABILITY:
            degraded, toned, labels = degrade_with(region, [KINDS[row % len(KINDS)]], rng)
        else:
            degraded, toned, labels = degrade_randomly(region, rng)
        features, filtered = analyse(degraded)
        y, x = rng.integers((np.array(region.shape[:2]) - settings.crop) // 8 + 1) * 8
        window = np.s_[None, y : y + settings.crop, x : x + settings.crop]
        crop, smooth, target = (to_float(p[window]) for p in (degraded, filtered, toned))
        code, probabilities, painted = generator.trunk(crop, smooth, features[None])
        light, dark = thin_structures(crop)
        maps = [painted, smooth - crop, -np.asarray(light), dark, target - crop]
        pixels = rng.integers(settings.crop**2, size=PIXELS)
        flat = [np.asarray(m).reshape(-1, m.shape[-1])[pixels] for m in maps]
        weight = max(INTACT_WEIGHT, float((labels * DETAIL_LABELS).max()))
        code, probabilities = np.asarray(code)[0], np.asarray(probabilities)[0]
        rows.append((code, probabilities, np.concatenate(flat, axis=1), np.float32(weight)))
    return [np.stack(column) for column in zip(*rows, strict=True)]


def fit(generator: Any, rows: dict[str, list[np.ndarray]]) -> None:
    """Fit `generator.choose` on the training rows; keep what is best on the validation rows."""
    from stylefuse.training.backend import compile_loss, gradient_step

    weights = generator.choose.trainable_variables
    optimizer = keras.optimizers.Adam(LEARNING_RATE)
    optimizer.build(weights)

    def loss_function(code, probabilities, maps, weight):
        shares = maps[..., 3:7] + generator.choice(code, probabilities)[:, None]
        shares = ops.softmax(shares, axis=-1)
        painted, candidates, error = maps[..., :3], maps[..., 7:16], maps[..., 16:]
        change = painted - error
        for i in range(3):
            change = change + shares[..., i + 1 : i + 2] * candidates[..., 3 * i : 3 * i + 3]
        errors = ops.log(ops.mean(ops.square(change), axis=(1, 2)) + ERROR_FLOOR) / 2
        loss = ops.sum(weight * errors) / ops.sum(weight)
        return loss + DECAY * ops.sum(ops.square(weights[0])), (loss,)

    step = gradient_step(loss_function, weights, optimizer)
    measure = compile_loss(loss_function, weights)
    best, kept = float(measure(*rows["validation"])[0]), [np.array(w) for w in weights]
    print(f"before: {best:.4f}")
    for number in range(1, STEPS + 1):
        optimizer.learning_rate = LEARNING_RATE * (1 - number / (STEPS + 1))
        (loss,) = step(*rows["train"])
        if number % 25 == 0:
            held_out = float(measure(*rows["validation"])[0])
            print(f"{number}: {float(loss):.4f}, validation {held_out:.4f}", flush=True)
            if held_out < best:
                best, kept = held_out, [np.array(w) for w in weights]
    for weight, value in zip(weights, kept, strict=True):
        weight.assign(value)


if __name__ == "__main__":
    main()
