"""Train the network that enlarges pictures, `src/stylefuse/inference/networks/enlarger.onnx`.

    python -m tools.enlarger

Needs the pictures of `dvc repro ingest`: photographs of the training split, halved. The loss is
faithful: an L1 distance, no discriminator. What was trained is kept in `.cache/wip/enlarger`, and a
later call goes on from there. The figures are those of the validation split.
"""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import ops
from PIL import Image
from PIL.Image import Resampling
from tqdm import tqdm

from stylefuse.evaluation.metrics.psnr import psnr
from stylefuse.fileio import sha256
from stylefuse.images.arrays import to_float
from stylefuse.images.open import flatten, open_picture
from stylefuse.inference.enlarger import NETWORKS, enlarge
from stylefuse.models.enlarger.graph import enlarger_graph
from stylefuse.models.enlarger.network import MARGIN, SCALE, Enlarger
from stylefuse.models.restore.capture_damage import jpeg_with, noise_with
from stylefuse.paths import MANIFEST
from stylefuse.training.backend import gradient_step

RUN = NETWORKS / "enlarger.json"  # figures of the shipped network
CHECKPOINT = Path(".cache/wip/enlarger/checkpoint.npz")
STEPS, SAVE, SEED = 4_000, 250, 7
BATCH, CROP = 8, 48  # pictures; pixels of the small ones
LEARNING_RATE = 1e-3  # falls to 0 along a cosine
FULL_PROBABILITY, MIN_SHARE = 0.5, 0.5  # of photographs at their own size; else reduced
KERNELS = [
    getattr(Image.Resampling, n) for n in ("BOX", "BILINEAR", "HAMMING", "BICUBIC", "LANCZOS")
]
CLEAN_PROBABILITY = 0.25
JPEG_PROBABILITY, JPEG_QUALITY = 0.6, (60, 96)  # of those that are not clean
NOISE_PROBABILITY, NOISE_SIGMA = 0.4, (0.5, 5.0)  # levels


def main() -> None:
    """Train, and write the graph with its checksum and its figures."""
    enlarger = Enlarger()
    enlarger(ops.zeros((1, 64, 64, 3)))
    train(enlarger, photographs("train"))
    path = NETWORKS / "enlarger.onnx"
    path.write_bytes(enlarger_graph(enlarger))
    manifest = NETWORKS / "manifest.json"
    checksums = json.loads(manifest.read_text()) | {path.name: sha256(path)}
    manifest.write_text(json.dumps(checksums, indent=1, sort_keys=True) + "\n")
    figures = {
        "weights": int(sum(np.size(variable) for variable in enlarger.trainable_variables)),
        "steps": STEPS,
        "pictures": STEPS * BATCH,
        "validation_psnr": validate(photographs("validation")),
    }
    RUN.write_text(json.dumps(figures, indent=1) + "\n")


def validate(pictures: list[np.ndarray]) -> dict[str, float]:
    """The mean PSNR in dB of photographs that were halved and enlarged again, by the name of the
    way; "jpeg" are those of clean JPEG files in between."""
    results: dict[str, list[float]] = {}
    for picture in tqdm(pictures):
        height, width = picture.shape[:2]
        halved = Image.fromarray(picture).resize((width // 2, height // 2), Resampling.BICUBIC)
        for name, small in (("", halved), ("jpeg ", jpeg_with(np.asarray(halved), 80))):
            bicubic = Image.fromarray(np.asarray(small)).resize((width, height), Resampling.BICUBIC)
            for way, large in (("bicubic", bicubic), ("network", enlarge(np.asarray(small), 2))):
                results.setdefault(name + way, []).append(psnr(picture, np.asarray(large)))
    return {way: round(float(np.mean(values)), 3) for way, values in results.items()}


def photographs(split: str) -> list[np.ndarray]:
    """The photographs of a split, uint8 `[height, width, 3]` each."""
    manifest = pd.read_parquet(MANIFEST)
    rows = manifest[(manifest.split == split) & (manifest.domain == "photograph")]
    return [np.asarray(flatten(open_picture(Path(path)))) for path in sorted(rows.path)]


def train(enlarger: Any, pictures: list[np.ndarray]) -> None:
    """Train from the last checkpoint on, if there is one."""
    weights = enlarger.trainable_variables
    optimizer = keras.optimizers.Adam(LEARNING_RATE, 0.9, 0.99)
    optimizer.build(weights)
    state, first = [*weights, *optimizer.variables], 0
    if CHECKPOINT.exists():
        saved = np.load(CHECKPOINT)
        first = int(saved["steps"])
        for i, variable in enumerate(state):
            variable.assign(saved[f"variable_{i}"])

    def loss_function(small, large):
        loss = ops.mean(ops.abs(enlarger(small) - large))
        return loss, (loss,)

    step, losses = gradient_step(loss_function, weights, optimizer), []
    for number in tqdm(range(first, STEPS), initial=first, total=STEPS, mininterval=10):
        optimizer.learning_rate = LEARNING_RATE * (1 + np.cos(np.pi * number / STEPS)) / 2
        losses.append(float(step(*batch(pictures, np.random.default_rng([SEED, number])))[0]))
        if (number + 1) % SAVE == 0:
            save(number + 1, state)
            tqdm.write(f"{number + 1}: {127.5 * np.mean(losses[-SAVE:]):.3f} levels")


def batch(pictures: list[np.ndarray], rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Small crops with margins, and the crops that they are of, in −1…1."""
    pairs = [pair(pictures[rng.integers(len(pictures))], rng) for _ in range(BATCH)]
    small, large = (to_float(np.stack(crops)) for crops in zip(*pairs, strict=True))
    return small, large


def pair(picture: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A small crop `[CROP + 2·MARGIN, CROP + 2·MARGIN, 3]`, perhaps with slight damage, and the
    large one without its margin. Both are turned and mirrored alike."""
    if rng.random() >= FULL_PROBABILITY:
        height, width = (round(rng.uniform(MIN_SHARE, 1) * side) for side in picture.shape[:2])
        picture = np.asarray(Image.fromarray(picture).resize((width, height), KERNELS[-1]))
    around = 2 * MARGIN  # what the kernels see beyond the crop is cut off
    small_side = CROP + 2 * around
    ends = np.array(picture.shape[:2]) - SCALE * small_side
    top, left = rng.integers(ends + 1)
    large = picture[top:, left:][: SCALE * small_side, : SCALE * small_side]
    kernel = KERNELS[rng.integers(len(KERNELS))]
    small = np.asarray(Image.fromarray(large).resize((small_side, small_side), kernel))
    if rng.random() >= CLEAN_PROBABILITY:
        small = slightly_damaged(small, rng)
    small = small[MARGIN:-MARGIN, MARGIN:-MARGIN]
    large = large[SCALE * around : -SCALE * around, SCALE * around : -SCALE * around]
    turns, mirror = rng.integers(4), 1 - 2 * rng.integers(2)
    small, large = (np.rot90(crop, turns)[:, ::mirror] for crop in (small, large))
    return small, large


def slightly_damaged(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """With faint noise, or as a JPEG file, or both."""
    if rng.random() < NOISE_PROBABILITY:
        picture = noise_with(picture, rng.uniform(*NOISE_SIGMA), rng)
    if rng.random() < JPEG_PROBABILITY:
        picture = jpeg_with(picture, int(rng.integers(*JPEG_QUALITY)))
    return picture


def save(steps: int, state: list[Any]) -> None:
    """Write a checkpoint."""
    CHECKPOINT.parent.mkdir(parents=True, exist_ok=True)
    values = {f"variable_{i}": np.array(variable) for i, variable in enumerate(state)}
    draft = CHECKPOINT.with_suffix(".part.npz")
    np.savez(draft, steps=steps, **values)
    draft.replace(CHECKPOINT)


if __name__ == "__main__":
    main()
