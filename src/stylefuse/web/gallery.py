"""Pictures to choose from: examples that come with the page, and paintings of the data set."""

from collections.abc import Sequence
from pathlib import Path

import gradio as gr
import numpy as np
import pandas as pd
from PIL import Image

from stylefuse.images.open import open_picture
from stylefuse.images.resize import limit_side
from stylefuse.paths import MANIFEST
from stylefuse.web.fields import Picture

MAX_STYLES = 24
COLUMNS = 5
THUMBNAIL_SIDE = 256  # pixels, the longer side
EXAMPLES = Path(__file__).with_name("examples")  # LICENCES.md in it names the sources

Captions = dict[Path, str]  # of each picture: what it shows, or its author and licence

EXAMPLE_PHOTOGRAPHS: Captions = {
    EXAMPLES / "city.jpg": "A city at dusk · public domain",
    EXAMPLES / "coast.jpg": "A coast · public domain",
}
EXAMPLE_DAMAGED: Captions = {EXAMPLES / "damaged.jpg": "A damaged photograph · public domain"}


def gallery_paintings(manifest: Path = MANIFEST) -> Captions:
    """Paintings of the data set that no model was trained on."""
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
        Path(path): f"{author.partition(' (')[0]} · {licence}"
        for path, author, licence in columns.to_numpy()
    }


def picture_gallery(title: str, captions: Captions, field: Picture) -> None:
    """Thumbnails; a click puts the picture into a field, and its caption below.

    Args:
        title: above the thumbnails.
        captions: of the pictures.
        field: takes the picture.
    """
    paths = list(captions)
    gallery = thumbnails(title, [(open_picture(path), captions[path]) for path in paths])
    caption = gr.Markdown()

    def choose(event: gr.SelectData) -> tuple[str, str]:
        path = paths[event.index]
        return str(path), captions[path]

    gallery.select(choose, None, [field, caption])


def thumbnails(title: str, pictures: Sequence[tuple[Image.Image, str]]) -> gr.Gallery:
    """Add a title, and pictures with their captions below it."""
    gr.Markdown(title)
    return gr.Gallery(
        [(limit_side(picture, THUMBNAIL_SIDE), caption) for picture, caption in pictures],
        label=title, show_label=False, columns=COLUMNS,
        height=230 if len(pictures) > COLUMNS else 120, allow_preview=False, object_fit="cover",
        buttons=[], elem_classes="choices",
    )  # fmt: skip
