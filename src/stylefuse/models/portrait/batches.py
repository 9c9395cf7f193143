"""What the portrait model sees: faces, and the random numbers that others are made of."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stylefuse.config import Split
from stylefuse.data.batches import Normal, load_tiles, random_normal, step_rng
from stylefuse.images.arrays import to_float, to_levels
from stylefuse.models.augmentation import DRAWS
from stylefuse.models.portrait import LEVELS, Settings

SHOWN = 8  # portraits along each side of a sheet


class PortraitBatch(NamedTuple):
    """What one step sees."""

    real: np.ndarray  # float32 [batch, side, side, 3] from −1 to 1
    latents: np.ndarray  # [batch, latent], of the discriminator's fakes
    other_latents: np.ndarray  # the generator's
    noise: Normal  # standard normal, for the gradient penalty
    draws: np.ndarray  # [batch, DRAWS], for augmentation
    fade: np.ndarray  # scalar 0…1: how far the newest resolution is blended in


class PortraitBatches:
    """Whole faces, every other one mirrored.

    Args:
        folder: what `stylefuse.data.prepare` wrote.
        split: "train" or "validation".
        settings: sizes and the length of the run.
        seed: the rng's name.

    Raises:
        UserError: the array is missing, or its faces are of another size than a crop.
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
        latents, others = rng.standard_normal((2, n, latent), dtype=np.float32)
        noise = random_normal(faces.shape, rng)
        draws = rng.random((n, DRAWS), dtype=np.float32)
        grown = LEVELS * step * n / (1000 * self.settings.kimg)
        fade = np.array(min(1, 2 * (grown % 1)), np.float32)  # half of a level's time
        return PortraitBatch(to_float(faces), latents, others, noise, draws, fade)


def make_batches(folder: Path, split: Split, settings: Settings, seed: int) -> PortraitBatches:
    """See `PortraitBatches`."""
    return PortraitBatches(folder, split, settings, seed)


def invent(generator: Any, count: int, latent: int, seed: int) -> np.ndarray:
    """Random portraits, uint8 `[count, 64, 64, 3]`."""
    rng = np.random.default_rng(seed)
    latents = rng.standard_normal((count, latent), dtype=np.float32)
    parts = [np.asarray(generator(latents[i : i + 64])) for i in range(0, count, 64)]
    return to_levels(np.concatenate(parts))


def sample_grid(generator: Any, held_out: PortraitBatches) -> np.ndarray:
    """The same random numbers every time, uint8 `[8·64, 8·64, 3]`."""
    faces = invent(generator, SHOWN**2, held_out.settings.latent, held_out.seed)
    side = faces.shape[1]
    rows = faces.reshape(SHOWN, SHOWN, side, side, 3)
    return rows.transpose(0, 2, 1, 3, 4).reshape(SHOWN * side, SHOWN * side, 3)
