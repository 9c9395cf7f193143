"""Paintings to choose a style from: those of the data set that no model was trained on."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from stylefuse.images.open import open_picture
from stylefuse.images.resize import limit_side
from stylefuse.paths import MANIFEST

MAX_STYLES = 24
THUMBNAIL_SIDE = 256  # pixels, the longer side

Style = tuple[Image.Image, str]  # thumbnail, and its caption: author and licence


def gallery_styles(manifest: Path = MANIFEST) -> dict[str, Style]:
    """The path of each style and how it is shown; empty if the data set was not ingested yet."""
    if not manifest.exists():
        return {}
    rows = pd.read_parquet(manifest)
    rows = rows[(rows.domain == "painting") & (rows.split == "test")].sort_values("path")
    rows = rows[[Path(path).exists() for path in rows.path]]
    if rows.empty:
        return {}
    spread = np.unique(np.linspace(0, len(rows) - 1, MAX_STYLES).astype(int))
    columns = rows.iloc[spread][["path", "author", "licence"]].astype(str)
    return {
        path: (_thumbnail(path), f"{author.partition(' (')[0]} · {licence}")
        for path, author, licence in columns.to_numpy()
    }


def _thumbnail(path: str) -> Image.Image:
    return limit_side(open_picture(Path(path)), THUMBNAIL_SIDE)
