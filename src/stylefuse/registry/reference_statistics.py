"""TODO docstring."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from stylefuse.config import Train
from stylefuse.data.batches import load_tiles, step_rng
from stylefuse.images.statistics import STATISTICS, statistics

MOST = 500  # pictures of a reference


Reference = Mapping[str, Mapping[str, list[float]]]  # input → statistic → a value per picture


def reference(task: Any, settings: Train, prepared: Path, seed: int) -> Reference:
    """The figures of what a model was trained on, for each of its picture inputs.

    Args:
        recipe: its picture inputs are the settings' domains, in the same order.
        settings: of the training.
        prepared: where `data.prepare` wrote its arrays; one tile of each picture is taken.
        seed: of the damage, where the model mends some.

    Raises:
        UserError: an array is missing.
    """
    inputs = [name for name, kind in task.inputs.items() if kind is Image.Image]
    return {
        name: _columns(
            statistics(
                Image.fromarray(task.degrade_for_monitoring(tile, step_rng(seed, i, "train")))
            )
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
