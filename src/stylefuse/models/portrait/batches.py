"""Training batches of the portrait model: faces and latent vectors."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stylefuse.config import Split
from stylefuse.data.batches import Normal, load_tiles, random_normal, step_rng
from stylefuse.images.arrays import to_float, to_uint8
from stylefuse.models.augmentation import DRAWS
from stylefuse.models.portrait import LEVELS, Settings

GRID_SIDE = 8  # portraits along each side of a sample grid
INFERENCE_BATCH = 64


class PortraitBatch(NamedTuple):
    """The batch of one step."""

    real: np.ndarray  # float32 [batch, side, side, 3] in −1…1
    latents: np.ndarray  # [batch, latent], for the discriminator's loss
    other_latents: np.ndarray  # [batch, latent], for the generator's loss
    noise: Normal  # standard normal, for the gradient penalty
    draws: np.ndarray  # [batch, DRAWS], for augmentation
    fade: np.ndarray  # scalar 0…1: how far the newest level is faded in


class PortraitBatches:
    """Whole faces, mirrored with probability ½.

    Args:
        folder: what `stylefuse.data.prepare` wrote.
        split: "train" or "validation".
        settings: the model's.
        seed: of the random numbers.

    Raises:
        UserError: the array is missing, or its faces are smaller than a crop.
    """

    def __init__(self, folder: Path, split: Split, settings: Settings, seed: int):
        (domain,) = settings.domains
        self.faces = load_tiles(folder, split, domain, settings.crop)
        self.split, self.settings, self.seed = split, settings, seed

    def at(self, step: int) -> PortraitBatch:
        """The batch of one step."""
        n, latent = self.settings.batch, self.settings.latent
        rng = step_rng(self.seed, step, self.split)
        faces = self.faces[np.sort(rng.integers(len(self.faces), size=n))]
        mirrored = rng.random(n) < 0.5
        faces = np.where(mirrored[:, None, None, None], faces[:, :, ::-1], faces)
        latents, other_latents = rng.standard_normal((2, n, latent), dtype=np.float32)
        noise = random_normal(faces.shape, rng)
        draws = rng.random((n, DRAWS), dtype=np.float32)
        progress = LEVELS * step * n / (1000 * self.settings.kimg)
        fade = np.array(min(1, 2 * (progress % 1)), np.float32)  # for half of a level's steps
        return PortraitBatch(to_float(faces), latents, other_latents, noise, draws, fade)


def make_batches(folder: Path, split: Split, settings: Settings, seed: int) -> PortraitBatches:
    """See `PortraitBatches`."""
    return PortraitBatches(folder, split, settings, seed)


def invent(
    generate: Callable[[np.ndarray], np.ndarray], count: int, latent: int, seed: int
) -> np.ndarray:
    """Random portraits, uint8 `[count, 64, 64, 3]`.

    Args:
        generate: float32 latents `[n, latent]` → uint8 portraits `[n, 64, 64, 3]`.
        count: of the portraits.
        latent: length of a latent vector.
        seed: of the latents.
    """
    rng = np.random.default_rng(seed)
    latents = rng.standard_normal((count, latent), dtype=np.float32)
    batches = np.split(latents, range(INFERENCE_BATCH, count, INFERENCE_BATCH))
    return np.concatenate([generate(batch) for batch in batches])


def keras_portraits(generator: Any) -> Callable[[np.ndarray], np.ndarray]:
    """A Keras generator as the function that `invent` takes."""
    return lambda latents: to_uint8(np.asarray(generator(latents)))


def sample_grid(generator: Any, held_out: PortraitBatches) -> np.ndarray:
    """Portraits of the same latents every time, uint8 `[8·64, 8·64, 3]`."""
    faces = invent(
        keras_portraits(generator), GRID_SIDE**2, held_out.settings.latent, held_out.seed
    )
    side = faces.shape[1]
    rows = faces.reshape(GRID_SIDE, GRID_SIDE, side, side, 3)
    return rows.transpose(0, 2, 1, 3, 4).reshape(GRID_SIDE * side, GRID_SIDE * side, 3)
