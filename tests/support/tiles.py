"""Random pictures in place of what `stylefuse.data.prepare` writes."""

import json
from pathlib import Path

import numpy as np


def write_tiles(folder: Path) -> None:
    """Write tiles of every split and domain that is trained on, and the names of their pictures."""
    folder.mkdir(parents=True)
    rng, pictures = np.random.default_rng(0), {}
    for split in ("train", "validation"):
        for domain in ("photograph", "painting", "portrait"):
            tiles = rng.integers(0, 256, (8, 64, 64, 3), dtype=np.uint8)
            np.save(folder / f"{split}_{domain}.npy", tiles)
            pictures[f"{split}_{domain}"] = [f"{domain}/{split}-{i}.png" for i in range(len(tiles))]
    (folder / "tiles.json").write_text(json.dumps(pictures))
