"""What the portrait model sees: faces, and the random numbers that others are made of."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stylefuse.config import Split
from stylefuse.data.batches import Normal, load_tiles, random_normal, stream_of
from stylefuse.models.artist import to_float, to_levels
from stylefuse.models.blocks.augment import DRAWS
from stylefuse.models.portrait import LEVELS

SHOWN = 8  # portraits along each side of a sheet


class FaceBatch(NamedTuple):
    """What one step sees."""

    real: np.ndarray  # float32 [batch, side, side, 3] from −1 to 1
    latents: np.ndarray  # [batch, latent], of the discriminator's fakes
    other_latents: np.ndarray  # the generator's
    noise: Normal  # standard normal, for the gradient penalty
    draws: np.ndarray  # [batch, DRAWS], for augmentation
    fade: np.ndarray  # scalar 0…1: how far the newest resolution is blended in


class FaceBatches:
    """Whole faces, every other one mirrored.

    Args:
        folder: what `stylefuse.data.prepare` wrote.
        split: "train" or "validation".
        settings: sizes and the length of the run.
        seed: the stream's name.

    Raises:
        UserError: the array is missing, or its faces are of another size than a crop.
    """

    def __init__(self, folder: Path, split: Split, settings: Any, seed: int):
        (domain,) = settings.domains
        self.faces = load_tiles(folder, split, domain, settings.crop)
        self.split, self.settings, self.seed = split, settings, seed

    def at(self, step: int) -> FaceBatch:
        """The batch of one step."""
        n, latent = self.settings.batch, self.settings.latent
        stream = stream_of(self.seed, step, self.split)
        faces = self.faces[np.sort(stream.integers(len(self.faces), size=n))]
        mirrored = stream.random(n) < 0.5
        faces = np.where(mirrored[:, None, None, None], faces[:, :, ::-1], faces)
        latents, others = stream.standard_normal((2, n, latent), dtype=np.float32)
        noise = random_normal(faces.shape, stream)
        draws = stream.random((n, DRAWS), dtype=np.float32)
        grown = LEVELS * step * n / (1000 * self.settings.kimg)
        fade = np.array(min(1, 2 * (grown % 1)), np.float32)  # half of a level's time
        return FaceBatch(to_float(faces), latents, others, noise, draws, fade)


def invent(generator: Any, count: int, latent: int, seed: int) -> np.ndarray:
    """Random portraits, uint8 `[count, 64, 64, 3]`."""
    stream = np.random.default_rng(seed)
    latents = stream.standard_normal((count, latent), dtype=np.float32)
    parts = [np.asarray(generator(latents[i : i + 64])) for i in range(0, count, 64)]
    return to_levels(np.concatenate(parts))


def sheet(generator: Any, held_out: FaceBatches) -> np.ndarray:
    """The same random numbers every time, uint8 `[8·64, 8·64, 3]`."""
    faces = invent(generator, SHOWN**2, held_out.settings.latent, held_out.seed)
    side = faces.shape[1]
    rows = faces.reshape(SHOWN, SHOWN, side, side, 3)
    return rows.transpose(0, 2, 1, 3, 4).reshape(SHOWN * side, SHOWN * side, 3)
