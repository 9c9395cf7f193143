"""The pictures that judge: held-out photographs, each with some held-out paintings."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from stylefuse.config import Evaluate, Split
from stylefuse.data.pictures import flatten, open_picture
from stylefuse.data.prepare import cut_tiles
from stylefuse.errors import UserError

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
    stream = np.random.default_rng(seed)
    mine = manifest[manifest.split == split]
    photographs, paintings = (
        sorted(mine[mine.domain == domain].path) for domain in ("photograph", "painting")
    )
    if not photographs or not paintings:
        raise UserError(f"the {split} split needs photographs and paintings; add pictures")
    most = min(settings.photographs, len(photographs))
    chosen = [photographs[i] for i in sorted(stream.permutation(len(photographs))[:most])]
    each = min(settings.styles_per_photograph, len(paintings))
    rows = [
        (photograph, painting)
        for photograph in range(most)
        for painting in stream.permutation(len(paintings))[:each]
    ]
    crops = [_random_crops(Path(path), settings, stream) for path in paintings]
    return Pairs(
        photographs=_squares(chosen, settings.size),
        paintings=_squares(paintings, settings.size),
        rows=np.array(rows),
        references=np.concatenate(crops),
        works=np.repeat(np.arange(len(paintings)), settings.reference_crops),
    )


def _squares(paths: Sequence[str], size: int) -> np.ndarray:
    return np.concatenate([cut_tiles(open_picture(Path(path)), size, most=1) for path in paths])


def _random_crops(path: Path, settings: Evaluate, stream: np.random.Generator) -> np.ndarray:
    picture = flatten(open_picture(path))
    crops = []
    for _ in range(settings.reference_crops):
        side = int(stream.uniform(SMALLEST_CROP, 1) * min(picture.size))
        x, y = (int(stream.integers(n - side + 1)) for n in picture.size)
        crops.append(cut_tiles(picture.crop((x, y, x + side, y + side)), settings.size, most=1))
    return np.concatenate(crops)
