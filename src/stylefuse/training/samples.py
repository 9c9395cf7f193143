"""A fixed grid of pictures that shows, along a run, what the averaged generator has learned."""

from pathlib import Path

import numpy as np
from PIL import Image

SHOWN = 6


class SampleGrid:
    """Validation photographs down the side, validation paintings along the top.

    Args:
        photographs: uint8 `[n, side, side, 3]`.
        paintings: uint8 `[n, side, side, 3]`.
    """

    def __init__(self, photographs: np.ndarray, paintings: np.ndarray):
        def spread(tiles):
            return np.asarray(tiles[np.linspace(0, len(tiles) - 1, SHOWN).astype(int)])

        self.photographs, self.paintings = spread(photographs), spread(paintings)

    def save(self, generator, path: Path) -> None:
        """Paint every pair and write the grid as a PNG."""
        side = self.photographs.shape[1]
        rows = [np.concatenate([np.full((side, side, 3), 255, np.uint8), *self.paintings], 1)]
        styles = self.paintings.astype(np.float32) / 127.5 - 1
        for photograph in self.photographs:
            contents = np.repeat(photograph[None].astype(np.float32) / 127.5 - 1, SHOWN, 0)
            painted = np.asarray(generator(contents, styles))
            levels = np.rint(np.clip((painted + 1) * 127.5, 0, 255)).astype(np.uint8)
            rows.append(np.concatenate([photograph, *levels], 1))
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.concatenate(rows)).reduce(max(1, side // 128)).save(path)
