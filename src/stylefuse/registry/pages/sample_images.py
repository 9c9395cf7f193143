"""Sample grids on the pages of versions, reduced so that a page loads at once."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from stylefuse.images.open import open_picture
from stylefuse.registry.pages.links import artifact_address, run_page

if TYPE_CHECKING:
    from mlflow.entities import RunInfo

FOLDER = "card"  # of the reduced images among a run's artifacts
MAX_IMAGES, MAX_WIDTH = 2, 640  # of a page; pixels
CAPTIONS = {  # of sample grids, the most informative first
    "styles": "Held-out photographs down the side, held-out paintings along the top:",
    "kinds": "Held-out photographs, one kind of degradation per column:",
    "samples": "Portraits of one seed each:",
    "fusion": "Two pictures fused; content from B to A across, style from B to A downwards:",
    "blends": "From one seed to another:",
}


def by_relevance(sample_grids: Sequence[Path]) -> list[Path]:
    """Sample grids, the most informative first."""
    ranks = {name: rank for rank, name in enumerate(CAPTIONS)}
    return sorted(sample_grids, key=lambda path: ranks.get(path.stem, len(ranks)))


def caption(sample_grid: Path) -> str:
    """What a sample grid shows."""
    return CAPTIONS.get(sample_grid.stem, f"{sample_grid.stem}:")


def reduce_image(path: Path) -> Image.Image:
    """A sample grid at page size: "RGB", at most `MAX_WIDTH` pixels wide."""
    picture = open_picture(path).convert("RGB")
    picture.thumbnail((MAX_WIDTH, 10 * MAX_WIDTH), Image.Resampling.LANCZOS)
    return picture


def log_sample_images(run: "RunInfo", sample_grids: Sequence[Path], folder: str) -> list[str]:
    """Log the most informative sample grids to the active run, reduced.

    Args:
        run: the active run.
        sample_grids: PNG files.
        folder: where the full files are among the run's artifacts.

    Returns:
        Markdown lines: a caption and an image, which links to the full file, for each.
    """
    import mlflow

    lines = []
    for sample_grid in by_relevance(sample_grids)[:MAX_IMAGES]:
        path = f"{FOLDER}/{sample_grid.stem}.jpg"
        mlflow.log_image(reduce_image(sample_grid), path)
        image = f"![{sample_grid.stem}]({artifact_address(run, path)})"
        full = run_page(run, f"artifacts/{folder}/{sample_grid.name}")
        lines += [caption(sample_grid), "", f"[{image}]({full})", ""]
    return lines


def first_image(description: str) -> list[str]:
    """The lines of a version's description that show its first image, with its caption."""
    lines = [line for line in description.splitlines() if line]
    for previous, line in pairwise(["", *lines]):
        if line.startswith("[!["):
            return [previous, "", line]
    return []
