"""Statistics of a model's training pictures, with which request pictures are compared."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from stylefuse.config import Train
from stylefuse.data.batches import load_tiles, step_rng
from stylefuse.images.statistics import STATISTICS, statistics
from stylefuse.inference.predictor import find_predictor
from stylefuse.models.task import Task

MAX_PICTURES = 500  # per input

Reference = Mapping[str, Mapping[str, list[float]]]  # input → statistic → a value per picture


def reference_statistics(task: Task, settings: Train, prepared: Path, seed: int) -> Reference:
    """Compute the statistics of a model's training pictures for each of its picture inputs.

    Args:
        task: of the model; its picture inputs correspond to the domains of `settings`, in order.
        settings: of the training.
        prepared: folder of the prepared arrays; one tile of each picture is used.
        seed: of the degradation that the task applies, if any.

    Raises:
        UserError: an array is missing.
    """
    inputs = [
        name for name, kind in find_predictor(task.name).inputs.items() if kind is Image.Image
    ]
    return {
        name: _columns(
            statistics(
                Image.fromarray(task.degrade_for_monitoring(tile, step_rng(seed, i, "train")))
            )
            for i, tile in enumerate(_one_tile_per_picture(prepared, domain, settings.crop))
        )
        for name, domain in zip(inputs, settings.domains, strict=False)
    }


def _one_tile_per_picture(prepared: Path, domain: str, crop: int) -> np.ndarray:
    """The first tile of each training picture, of at most `MAX_PICTURES` of them."""
    tiles = load_tiles(prepared, "train", domain, crop)
    names = json.loads((prepared / "tiles.json").read_text())[f"train_{domain}"]
    first_tiles = np.sort(np.unique(names, return_index=True)[1])
    step = -(-len(first_tiles) // MAX_PICTURES)
    return tiles[first_tiles[::step]]


def _columns(rows: Iterable[Mapping[str, float]]) -> dict[str, list[float]]:
    table = list(rows)
    return {name: [row[name] for row in table] for name in STATISTICS}
