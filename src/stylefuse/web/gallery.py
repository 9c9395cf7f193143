"""Styles to choose from: paintings of the data set that no model was trained on."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from stylefuse.images.open import open_picture
from stylefuse.images.resize import fit

MANIFEST = Path("data/manifest.parquet")
MOST = 24  # styles
THUMBNAIL = 256  # pixels of the longer side

Style = tuple[Image.Image, str]  # small, and who made it under which licence


def styles(manifest: Path = MANIFEST) -> dict[str, Style]:
    """Path of each style → how it is shown; nothing where no data are here yet."""
    if not manifest.exists():
        return {}
    rows = pd.read_parquet(manifest)
    rows = rows[(rows.domain == "painting") & (rows.split == "test")].sort_values("path")
    rows = rows[[Path(path).exists() for path in rows.path]]
    if rows.empty:
        return {}
    chosen = rows.iloc[np.unique(np.linspace(0, len(rows) - 1, MOST).astype(int))]
    return {
        path: (fit(open_picture(Path(path)), THUMBNAIL), f"{author.partition(' (')[0]} · {licence}")
        for path, author, licence in chosen[["path", "author", "licence"]].astype(str).to_numpy()
    }
