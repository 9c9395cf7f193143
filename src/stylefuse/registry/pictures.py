"""The pictures of a version's page: the sheets that tell most, small enough to load at once."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from stylefuse.data.pictures import open_picture
from stylefuse.registry.addresses import picture_address, run_page

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


def most_telling(sheets: Sequence[Path]) -> list[Path]:
    """Sheets in the order in which a page would show them."""
    ranks = {name: rank for rank, name in enumerate(CAPTIONS)}
    return sorted(sheets, key=lambda sheet: ranks.get(sheet.stem, len(ranks)))


def reduced(sheet: Path) -> Image.Image:
    """A sheet as a page shows it, "RGB", `WIDEST` pixels across at most."""
    picture = open_picture(sheet).convert("RGB")
    picture.thumbnail((WIDEST, 10 * WIDEST), Image.Resampling.LANCZOS)
    return picture


def log_pictures(run: "RunInfo", sheets: Sequence[Path], folder: str) -> list[str]:
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
    for sheet in most_telling(sheets)[:MOST]:
        picture = reduced(sheet)
        path = f"{FOLDER}/{sheet.stem}.jpg"
        mlflow.log_image(picture, path)
        image = f"![{sheet.stem}]({picture_address(run, path)})"
        page = run_page(run, f"artifacts/{folder}/{sheet.name}")
        lines += [CAPTIONS.get(sheet.stem, f"{sheet.stem}:"), "", f"[{image}]({page})", ""]
    return lines


def first_picture(description: str) -> list[str]:
    """The lines of a version's description that show its first picture, with its caption."""
    lines = [line for line in description.splitlines() if line]
    for caption, line in pairwise(["", *lines]):
        if line.startswith("[!["):
            return [caption, "", line]
    return []
