"""The pictures of a version's page: the sheets that tell most, small enough to load at once."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from stylefuse.images.open import open_picture
from stylefuse.registry.pages.links import picture_address, run_page

if TYPE_CHECKING:
    from mlflow.entities import RunInfo

FOLDER = "card"  # among a run's artifacts
MOST, WIDEST = 2, 640  # pictures of a page, and pixels across
CAPTIONS = {  # of the sheets that are shown before others; a judge names its own
    "styles": "Held-out photographs down the side, painted after held-out paintings along the top:",
    "kinds": "Held-out photographs, one kind of damage to a column:",
    "samples": "Portraits of one seed each:",
    "fusion": "Two pictures fused; content turns from B to A across, style from B to A downwards:",
    "blends": "From one seed to another:",
}


def most_telling(sample_grids: Sequence[Path]) -> list[Path]:
    """Sheets in the order in which a page would show them."""
    ranks = {name: rank for rank, name in enumerate(CAPTIONS)}
    return sorted(sample_grids, key=lambda sample_grid: ranks.get(sample_grid.stem, len(ranks)))


def reduced(sample_grid: Path) -> Image.Image:
    """A sheet as a page shows it, "RGB", `WIDEST` pixels across at most."""
    picture = open_picture(sample_grid).convert("RGB")
    picture.thumbnail((WIDEST, 10 * WIDEST), Image.Resampling.LANCZOS)
    return picture


def log_pictures(run: "RunInfo", sample_grids: Sequence[Path], folder: str) -> list[str]:
    """Log the most telling sheets to the active run, reduced.

    Args:
        run: the active one.
        sheets: PNG files.
        folder: where among its artifacts they are in full.

    Returns:
        Lines of Markdown: each picture's caption, and the picture, which leads to its sheet.
    """
    import mlflow

    lines = []
    for sample_grid in most_telling(sample_grids)[:MOST]:
        picture = reduced(sample_grid)
        path = f"{FOLDER}/{sample_grid.stem}.jpg"
        mlflow.log_image(picture, path)
        image = f"![{sample_grid.stem}]({picture_address(run, path)})"
        page = run_page(run, f"artifacts/{folder}/{sample_grid.name}")
        lines += [
            CAPTIONS.get(sample_grid.stem, f"{sample_grid.stem}:"),
            "",
            f"[{image}]({page})",
            "",
        ]
    return lines


def first_picture(description: str) -> list[str]:
    """The lines of a version's description that show its first picture, with its caption."""
    lines = [line for line in description.splitlines() if line]
    for caption, line in pairwise(["", *lines]):
        if line.startswith("[!["):
            return [caption, "", line]
    return []
