"""What the restoration model sees: crops of photographs, and what damage makes of them."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from stylefuse.config import Split
from stylefuse.data.batches import Normal, laid, load_tiles, random_normal, stream_of
from stylefuse.models.artist import to_float, to_levels
from stylefuse.models.blocks.augment import DRAWS
from stylefuse.models.restore.damage import KINDS, Stream, damage, damage_some
from stylefuse.models.restore.evidence import evidence
from stylefuse.models.restore.study import make_study

ALONE = 1 / 3  # share of the run before the discriminator has a say
GRID = 8  # pixels; crops keep to the blocks of a JPEG, as whole pictures do
STUDIES_PER_KIMG, MOST_STUDIES = 125, 10_000  # rows of each half of a study
PER_STEP = 8  # of them in a step
DOUBT = 0.1  # σ of what is added to what was measured, lest it be learned by heart


class DamagedBatch(NamedTuple):
    """What one step sees; pictures are float32 `[batch, crop, crop, 3]` from −1 to 1."""

    damaged: np.ndarray
    measured: np.ndarray  # [batch, SIZE], `evidence` of the pictures that the crops are of
    clean: np.ndarray
    studies: np.ndarray  # [2·PER_STEP, SIZE], evidence of more pictures, see `Study`
    kinds: np.ndarray  # [2·PER_STEP, kinds], 1 for each kind of damage
    points: np.ndarray  # [PER_STEP, 2, POINTS, 3], damaged and clean, of the second half of them
    ramp: np.ndarray  # scalar 0…1: weight of the adversarial loss
    noise: Normal  # standard normal, for the gradient penalty
    draws: np.ndarray  # [batch, DRAWS], for augmentation


class DamagedBatches:
    """Parts of photographs, each in one of the eight ways to lay a square, damaged on the fly; of
    each the network sees a crop, and what was measured of the part.

    A part is half of a tile to all of it, high and wide: there are few photographs, and what is
    measured of a whole one would be learned by heart. What the network does to a whole picture it
    could still not learn from one picture per crop; it also sees rows of a `Study`.

    Args:
        folder: what `stylefuse.data.prepare` wrote.
        split: "train" or "validation".
        settings: sizes and the length of the run.
        seed: the stream's name.

    Raises:
        UserError: the arrays are missing, or their tiles are smaller than a crop.
    """

    def __init__(self, folder: Path, split: Split, settings: Any, seed: int):
        (domain,) = settings.domains
        self.photographs = load_tiles(folder, split, domain, settings.crop)
        self.split, self.settings, self.seed = split, settings, seed
        rows = min(STUDIES_PER_KIMG * settings.kimg, MOST_STUDIES) if split == "train" else 0
        self.study = make_study(self._part, max(PER_STEP, int(rows)), seed)

    def at(self, step: int) -> DamagedBatch:
        """The batch of one step."""
        n, crop = self.settings.batch, self.settings.crop
        stream = stream_of(self.seed, step, self.split)
        damaged, measured, clean = zip(*(self._one(stream) for _ in range(n)), strict=True)
        chosen = stream.integers(self.study.measured.shape[1], size=PER_STEP)
        studies, kinds = self.study.measured[:, chosen], self.study.kinds[:, chosen]
        doubt = DOUBT * stream.standard_normal(studies[0].shape, np.float32)
        done = step * n / (1000 * self.settings.kimg)
        ramp = np.clip((done - ALONE) / ALONE, 0, 1)
        return DamagedBatch(
            to_float(np.stack(damaged)),
            np.stack(measured),
            to_float(np.stack(clean)),
            np.concatenate([studies[0] + doubt, studies[1]]),
            np.concatenate([*kinds]),
            self.study.points[1, chosen],
            np.array(ramp, np.float32),
            random_normal((n, crop, crop, 3), stream),
            stream.random((n, DRAWS), dtype=np.float32),
        )

    def _one(self, stream: Stream) -> tuple[np.ndarray, ...]:
        crop, part = self.settings.crop, self._part(stream)
        damaged, _ = damage_some(part, stream)
        y, x = GRID * stream.integers((np.array(part.shape[:2]) - crop) // GRID + 1)
        seen = np.s_[y : y + crop, x : x + crop]
        return damaged[seen], evidence(damaged), part[seen]

    def _part(self, stream: Stream) -> np.ndarray:
        """uint8 `[height, width, 3]`"""
        crop, side = self.settings.crop, self.photographs.shape[1]
        tile = self.photographs[stream.integers(len(self.photographs))]
        height, width = stream.integers(max(crop, side // 2), side + 1, size=2)
        top, left = stream.integers([side - height + 1, side - width + 1])
        part = tile[top : top + height, left : left + width]
        return np.ascontiguousarray(laid(part, int(stream.integers(8))))


def sheet(generator: Any, held_out: DamagedBatches) -> np.ndarray:
    """Per kind of damage a column: the damaged photograph above, restored below."""
    tiles = held_out.photographs
    chosen = tiles[np.linspace(0, len(tiles) - 1, len(KINDS)).astype(int)][:, ::2, ::2]
    damaged = np.stack(
        [
            damage(picture, kind, np.random.default_rng(i))
            for i, (picture, kind) in enumerate(zip(chosen, KINDS, strict=True))
        ]
    )
    measured = np.stack([evidence(picture) for picture in damaged])
    restored = to_levels(np.asarray(generator(to_float(damaged), measured)))
    return np.concatenate([np.concatenate([*row], axis=1) for row in (damaged, restored)], axis=0)
