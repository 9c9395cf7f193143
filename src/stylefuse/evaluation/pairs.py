"""Held-out evaluation pictures: photographs, each paired with some paintings."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from stylefuse.config import Evaluate, Split
from stylefuse.data.prepare import cut_tiles
from stylefuse.errors import UserError
from stylefuse.images.open import flatten, open_picture

MIN_CROP = 0.6  # of a painting's shorter side


class Pairs(NamedTuple):
    """Held-out pictures, uint8 `[n, size, size, 3]`, and pairs of them.

    Attributes:
        photographs: the content pictures.
        paintings: the style pictures.
        rows: row of the photograph and of the painting of each pair, `[pairs, 2]`.
        references: random crops of all paintings, which the outputs should resemble.
        reference_paintings: row of the painting that each reference was cut from.
    """

    photographs: np.ndarray
    paintings: np.ndarray
    rows: np.ndarray
    references: np.ndarray
    reference_paintings: np.ndarray

    @property
    def contents(self) -> np.ndarray:
        """The photograph of each pair."""
        return self.photographs[self.rows[:, 0]]

    @property
    def styles(self) -> np.ndarray:
        """The painting of each pair."""
        return self.paintings[self.rows[:, 1]]


def make_pairs(manifest: pd.DataFrame, split: Split, settings: Evaluate, seed: int) -> Pairs:
    """Pair photographs and paintings of a split; the same seed makes the same pairs.

    Raises:
        UserError: the split has no photographs or no paintings.
    """
    rng = np.random.default_rng(seed)
    photographs, paintings = (
        held_out_paths(manifest, split, domain) for domain in ("photograph", "painting")
    )
    photographs = sample_paths(photographs, settings.photographs, rng)
    styles_each = min(settings.styles_per_photograph, len(paintings))
    rows = [
        (photograph, painting)
        for photograph in range(len(photographs))
        for painting in rng.permutation(len(paintings))[:styles_each]
    ]
    crops = [_random_crops(Path(path), settings, rng) for path in paintings]
    return Pairs(
        photographs=load_squares(photographs, settings.size),
        paintings=load_squares(paintings, settings.size),
        rows=np.array(rows),
        references=np.concatenate(crops),
        reference_paintings=np.repeat(np.arange(len(paintings)), settings.reference_crops),
    )


def held_out_paths(manifest: pd.DataFrame, split: Split, domain: str) -> list[str]:
    """The sorted paths of a split's pictures of one domain.

    Raises:
        UserError: there are none.
    """
    selected = manifest[(manifest.split == split) & (manifest.domain == domain)]
    if selected.empty:
        raise UserError(
            f"the {split} split has no picture of the domain {domain}; add some under "
            "data.sources in params.yaml",
            code="split-empty",
        )
    return sorted(selected.path)


def sample_paths(paths: Sequence[str], max_count: int, rng: np.random.Generator) -> list[str]:
    """A random sample of at most `max_count` paths, in their order."""
    return [paths[i] for i in sorted(rng.permutation(len(paths))[:max_count])]


def load_squares(paths: Iterable[str], size: int) -> np.ndarray:
    """Load the central square of each picture, uint8 `[n, size, size, 3]`."""
    return np.concatenate([_square(open_picture(Path(path)), size) for path in paths])


def _random_crops(path: Path, settings: Evaluate, rng: np.random.Generator) -> np.ndarray:
    picture = flatten(open_picture(path))
    crops = []
    for _ in range(settings.reference_crops):
        side = int(rng.uniform(MIN_CROP, 1) * min(picture.size))
        x, y = (int(rng.integers(n - side + 1)) for n in picture.size)
        crops.append(_square(picture.crop((x, y, x + side, y + side)), settings.size))
    return np.concatenate(crops)


def _square(picture: Image.Image, size: int) -> np.ndarray:
    """The central square, uint8 `[1, size, size, 3]`."""
    return cut_tiles(picture, size, max_tiles=1)
