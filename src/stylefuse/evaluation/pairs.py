"""The pictures that judge: held-out squares, and photographs each with some paintings."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stylefuse.config import Evaluate, Split
from stylefuse.data.prepare import cut_tiles
from stylefuse.errors import UserError
from stylefuse.images.open import flatten, open_picture

SMALLEST_CROP = 0.6  # of a painting's shorter side


class Pairs(NamedTuple):
    """Held-out pictures, all uint8 `[n, size, size, 3]`, and who is painted after whom."""

    photographs: np.ndarray
    paintings: np.ndarray
    rows: np.ndarray  # of photograph and painting of each pair, `[pairs, 2]`
    references: np.ndarray  # random crops of all paintings: what outputs should resemble
    works: np.ndarray  # row of the painting that each reference was cut from

    @property
    def contents(self) -> np.ndarray:
        """The photograph of each pair."""
        return self.photographs[self.rows[:, 0]]

    @property
    def styles(self) -> np.ndarray:
        """The painting of each pair."""
        return self.paintings[self.rows[:, 1]]


def make_pairs(manifest: pd.DataFrame, split: Split, settings: Evaluate, seed: int) -> Pairs:
    """Pair the pictures of a split; the same seed makes the same pairs.

    Raises:
        UserError: the split has no photographs or no paintings.
    """
    rng = np.random.default_rng(seed)
    photographs, paintings = (
        held_out(manifest, split, domain) for domain in ("photograph", "painting")
    )
    chosen = drawn(photographs, settings.photographs, rng)
    each = min(settings.styles_per_photograph, len(paintings))
    rows = [
        (photograph, painting)
        for photograph in range(len(chosen))
        for painting in rng.permutation(len(paintings))[:each]
    ]
    crops = [_random_crops(Path(path), settings, rng) for path in paintings]
    return Pairs(
        photographs=squares(chosen, settings.size),
        paintings=squares(paintings, settings.size),
        rows=np.array(rows),
        references=np.concatenate(crops),
        works=np.repeat(np.arange(len(paintings)), settings.reference_crops),
    )


def held_out(manifest: pd.DataFrame, split: Split, domain: str) -> list[str]:
    """Paths of a split's pictures of one domain, sorted.

    Raises:
        UserError: there are none.
    """
    mine = manifest[(manifest.split == split) & (manifest.domain == domain)]
    if mine.empty:
        raise UserError(f"no {domain} is in the {split} split; add pictures of this domain")
    return sorted(mine.path)


def drawn(paths: Sequence[str], most: int, rng: np.random.Generator) -> list[str]:
    """Some of the paths, in their order."""
    return [paths[i] for i in sorted(rng.permutation(len(paths))[:most])]


def squares(paths: Sequence[str], size: int) -> np.ndarray:
    """The middle of each picture, uint8 `[n, size, size, 3]`."""
    return np.concatenate([cut_tiles(open_picture(Path(path)), size, most=1) for path in paths])


def _random_crops(path: Path, settings: Evaluate, rng: np.random.Generator) -> np.ndarray:
    picture = flatten(open_picture(path))
    crops = []
    for _ in range(settings.reference_crops):
        side = int(rng.uniform(SMALLEST_CROP, 1) * min(picture.size))
        x, y = (int(rng.integers(n - side + 1)) for n in picture.size)
        crops.append(cut_tiles(picture.crop((x, y, x + side, y + side)), settings.size, most=1))
    return np.concatenate(crops)
