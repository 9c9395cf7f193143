"""A picture as a few figures: enough to see that pictures have changed, not what they show."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from stylefuse.config import Train
from stylefuse.data.batches import load_tiles, stream_of
from stylefuse.data.pictures import flatten

STATISTICS = ("luminance", "contrast", "saturation", "warmth", "detail")
SIDE = 128  # of the shorter side, pixels: detail depends on it; smaller pictures stay as they are
MOST = 500  # pictures of a reference
LAPLACIAN = ImageFilter.Kernel((3, 3), (0, 1, 0, 1, -4, 1, 0, 1, 0), scale=1, offset=128)

Reference = Mapping[str, Mapping[str, list[float]]]  # input → statistic → a value per picture


def statistics(picture: Image.Image) -> dict[str, float]:
    """A picture's figures, all in levels from 0 to 255, rounded to hundredths.

    Returns:
        `luminance`, the mean of the luma (ITU-R 601); `contrast`, its standard deviation;
        `saturation`, the mean distance of the largest to the smallest channel; `warmth`, how much
        red there is more than blue, from −255; `detail`, the standard deviation of the luma's
        Laplacian.
    """
    small = flatten(picture)
    scale = SIDE / min(small.size)
    if scale < 1:
        size = (max(SIDE, round(small.width * scale)), max(SIDE, round(small.height * scale)))
        small = small.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    luma = small.convert("L")
    levels, colours = np.asarray(luma, np.float32), np.asarray(small, np.float32)
    edges = np.asarray(luma.filter(LAPLACIAN), np.float32)[1:-1, 1:-1]
    found = (
        levels.mean(),
        levels.std(),
        np.ptp(colours, axis=-1).mean(),
        (colours[..., 0] - colours[..., 2]).mean(),
        edges.std() if edges.size else 0.0,
    )
    return {name: round(float(value), 2) for name, value in zip(STATISTICS, found, strict=True)}


def reference(recipe: Any, settings: Train, prepared: Path, seed: int) -> Reference:
    """The figures of what a model was trained on, for each of its picture inputs.

    Args:
        recipe: its picture inputs are the settings' domains, in the same order.
        settings: of the training.
        prepared: where `data.prepare` wrote its arrays; one tile of each picture is taken.
        seed: of the damage, where the model mends some.

    Raises:
        UserError: an array is missing.
    """
    inputs = [name for name, kind in recipe.inputs.items() if kind is Image.Image]
    return {
        name: _columns(
            statistics(Image.fromarray(recipe.as_sent(tile, stream_of(seed, i, "train"))))
            for i, tile in enumerate(_tiles(prepared, domain, settings.crop))
        )
        for name, domain in zip(inputs, settings.domains, strict=False)
    }


def _tiles(prepared: Path, domain: str, crop: int) -> np.ndarray:
    """The first tile of each training picture, `MOST` of them at most."""
    tiles = load_tiles(prepared, "train", domain, crop)
    names = json.loads((prepared / "tiles.json").read_text())[f"train_{domain}"]
    firsts = np.sort(np.unique(names, return_index=True)[1])
    return tiles[firsts[:: -(-len(firsts) // MOST)]]


def _columns(rows: Iterable[Mapping[str, float]]) -> dict[str, list[float]]:
    kept = list(rows)
    return {name: [row[name] for row in kept] for name in STATISTICS}
