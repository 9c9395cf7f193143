"""Train the healer on pairs, and write its ONNX graph.

    python -m tools.healer.train --minutes 45 --adversarial 0.05

A later run goes on where the last one stopped, with the pairs that there are then.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

from stylefuse.inference.characters.healing import SIDE
from stylefuse.models.character.graphs import healer_graph
from stylefuse.models.character.losses import discriminator_loss, generator_loss
from stylefuse.models.character.networks import INPUTS, HealerGenerator, PatchDiscriminator
from stylefuse.training.backend import gradient_step
from stylefuse.training.checkpoints import load_checkpoint, save_checkpoint
from stylefuse.training.ema import WeightAverage
from tools.healer.portraits import FOLDER, PORTRAITS

BATCH, WIDTH, DISCRIMINATOR_WIDTH = 8, 16, 24
WARMUP, MIN_RATE = 30, 0.3  # steps; share of the learning rate at the end
CHECK = 100  # steps between checkpoints
SHIFT = 10  # pixels, at most, of the square that is cut out
MAX_DECAY = 0.99  # of the average


def main() -> None:
    """Train for some minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--adversarial", type=float, default=0.0, help="weight of the adversary")
    parser.add_argument("--rate", type=float, default=8e-3, help="learning rate at first")
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    generator, average = (_generator(name) for name in ("generator", "average"))
    discriminator = PatchDiscriminator(DISCRIMINATOR_WIDTH, name="discriminator")
    discriminator(np.zeros((1, SIDE, SIDE, 3), np.float32))
    optimizer = keras.optimizers.Adam(arguments.rate, 0.9, 0.99)
    optimizer.build(generator.trainable_variables)
    adversary = keras.optimizers.Adam(arguments.rate, 0.0, 0.99)
    adversary.build(discriminator.trainable_variables)
    mean = WeightAverage(generator, average)
    state = [
        *generator.weights, *discriminator.weights, *average.weights, *optimizer.variables,
        *adversary.variables,
    ]  # fmt: skip
    step, history = load_checkpoint(FOLDER, state)
    improve = gradient_step(
        generator_loss(generator, discriminator, arguments.adversarial),
        generator.trainable_variables, optimizer,
    )  # fmt: skip
    judge = gradient_step(
        discriminator_loss(discriminator), discriminator.trainable_variables, adversary
    )
    start, rng = time.monotonic(), np.random.default_rng(step)
    for inputs, paintings in _batches(rng):
        done = (time.monotonic() - start) / (60 * arguments.minutes)
        if done >= 1:
            break
        decay = MIN_RATE + (1 - MIN_RATE) * (1 + np.cos(np.pi * done)) / 2
        optimizer.learning_rate = arguments.rate * min(1, (step + 1) / WARMUP) * decay
        metrics = {}
        if arguments.adversarial:
            noise = rng.standard_normal(paintings.shape, np.float32)
            losses = judge(generator(inputs), paintings, noise)
            metrics = dict(zip(("discriminator", "accuracy"), map(float, losses), strict=True))
        losses = improve(inputs, paintings)
        metrics |= zip(("levels", "edges", "adversarial"), map(float, losses), strict=True)
        step += 1
        mean.update(min(MAX_DECAY, step / (step + 20)))
        if step % CHECK == 0:
            history.append({"step": step} | metrics)
            print(history[-1], flush=True)
            save_checkpoint(FOLDER, step, state, history)
    save_checkpoint(FOLDER, step, state, history)
    path = FOLDER / "healer.onnx"
    path.write_bytes(healer_graph(average, SIDE))
    print(f"{step} steps; {path}")


def _generator(name: str) -> HealerGenerator:
    generator = HealerGenerator(WIDTH, name=name)
    generator(np.zeros((1, SIDE, SIDE, INPUTS), np.float32))
    return generator


def _batches(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Inputs of the generator and paintings, in −1…1, mirrored, shifted and recoloured."""
    composites, maps, numbers = _pairs(sorted(FOLDER.glob("pairs-*.npz")))
    with np.load(PORTRAITS) as arrays:
        paintings = arrays["pictures"]
    border = (paintings.shape[1] - SIDE) // 2
    while True:
        inputs, targets = [], []
        for row in rng.integers(len(numbers), size=BATCH):
            top, left = border + rng.integers(-SHIFT, SHIFT + 1, 2)
            place = slice(top, top + SIDE), slice(left, left + SIDE)
            pair = np.concatenate([composites[row], paintings[numbers[row]], maps[row]], -1)
            pair = pair[place] if rng.random() < 0.5 else pair[place][:, ::-1]
            colours = pair[..., :6].reshape(SIDE, SIDE, 2, 3) / np.float32(127.5) - 1
            composite, painting = np.moveaxis(_recoloured(colours, rng), 2, 0)
            inputs.append(np.concatenate([composite, pair[..., 6:] / np.float32(255)], -1))
            targets.append(painting)
        yield np.stack(inputs).astype(np.float32), np.stack(targets).astype(np.float32)


def _pairs(paths: list[Path]) -> list[np.ndarray]:
    if not paths:
        raise SystemExit("there are no pairs; run python -m tools.healer.pairs")
    shards = []
    for path in paths:
        with np.load(path) as arrays:
            shards.append([arrays[name] for name in ("composites", "maps", "numbers")])
    return [np.concatenate(part) for part in zip(*shards, strict=True)]


def _recoloured(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Colours `[…, 3]` in −1…1, changed alike everywhere."""
    if rng.random() < 0.3:
        return x
    mix = np.eye(3)
    if rng.random() < 0.3:
        mix = 0.6 * mix[rng.permutation(3)] + 0.4 * mix
    gain = rng.uniform(0.8, 1.15, 3) * rng.uniform(0.85, 1.1)
    return np.clip((x + 1) @ (mix * gain) - 1 + rng.uniform(-0.08, 0.08, 3), -1, 1)


if __name__ == "__main__":
    main()
