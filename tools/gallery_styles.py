"""Make the styles that are shipped, in `src/stylefuse/inference/styles`.

    python -m tools.gallery_styles make             after `dvc repro ingest`
    python -m tools.gallery_styles compare FOLDER   pictures for `tools.blind_sheets`

`tools/gallery_styles.json` names the paintings, and those whose learned code a blind look preferred
to the one that the network encodes at a glance. The others have the encoded one.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image, ImageOps
from rich.progress import track

from stylefuse.config import load_params
from stylefuse.images.open import flatten, open_picture
from stylefuse.inference.predictor import load_predictor
from stylefuse.inference.style_file import SUFFIX, LearnedStyle, save_style
from stylefuse.inference.style_gallery import STYLES
from stylefuse.inference.style_learning import learn_code
from stylefuse.inference.transfer import Style, TransferPredictor
from stylefuse.paths import MANIFEST

LIST = Path(__file__).with_suffix(".json")
BASE = Path("models/base/transfer")
SOURCE = "gcompris-puzzles"
PHOTOGRAPHS = 2  # of the validation split, painted in each style for the blind look
SIDE = 384  # pixels
LICENCES = """# Licences of the styles

Each file holds a painting, scaled down to 256 pixels, and numbers that the transfer model made of
it. The paintings are from the Debian package `{package}`, under the licences below, and not
under that of the code. `python -m tools.gallery_styles make` makes the files.

| style | painting | picture | author | licence |
|---|---|---|---|---|
"""


class Painting(NamedTuple):
    """A painting of the list.

    Attributes:
        name: of its style.
        title: of the painting.
        path: of its picture.
        author: and the picture's origin.
        licence: of the picture.
        learned: whether its style has the learned code.
    """

    name: str
    title: str
    path: Path
    author: str
    licence: str
    learned: bool


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("make").set_defaults(run=lambda _: _make())
    compare = commands.add_parser("compare")
    compare.add_argument("folder", type=Path)
    compare.set_defaults(run=lambda args: _compare(args.folder))
    args = parser.parse_args()
    args.run(args)


def _make() -> None:
    paintings = list(_paintings())
    STYLES.mkdir(exist_ok=True)
    predictor = load_predictor(BASE)
    for painting in track(paintings, description="making styles"):
        style = predictor.style([open_picture(painting.path)])
        code = _learned(predictor, style) if painting.learned else style.code
        (picture,) = style.target.pictures
        shipped = LearnedStyle(
            painting.title, painting.licence, painting.author, predictor.model.weights, code,
            [Image.fromarray(picture)],
        )  # fmt: skip
        save_style(shipped, STYLES / f"{painting.name}{SUFFIX}")
    (source,) = (source for source in load_params().data.sources if source.name == SOURCE)
    rows = [
        f"| {each.name} | {each.title} | `{each.path.name}` | {each.author} | {each.licence} |\n"
        for each in paintings
    ]
    text = LICENCES.format(package=source.packages[0]) + "".join(rows)
    (STYLES / "LICENCES.md").write_text(text, encoding="utf-8")


def _paintings() -> Iterator[Painting]:
    rows = pd.read_parquet(MANIFEST)
    rows = rows[rows.source == SOURCE]
    rows = rows.set_index(rows.path.map(lambda path: Path(path).name))
    for name, entry in json.loads(LIST.read_text(encoding="utf-8")).items():
        row = rows.loc[entry["picture"]]
        yield Painting(
            name, entry["title"], Path(row.path), row.author, row.licence,
            entry.get("learned", False),
        )  # fmt: skip


def _learned(predictor: TransferPredictor, style: Style) -> np.ndarray:
    *_, last = learn_code(predictor.stylizer, style.code, style.target)
    return last.code


def _compare(folder: Path) -> None:
    """Write the folders "photographs", "paintings", "encoded" and "learned"."""
    predictor = load_predictor(BASE)
    rows = pd.read_parquet(MANIFEST)
    rows = rows[(rows.domain == "photograph") & (rows.split == "validation")]
    photographs = rows.sort_values("sha256").path.to_list()
    for i, painting in enumerate(_paintings()):
        picture = _square(painting.path)
        style = predictor.style([open_picture(painting.path)])
        codes = {"encoded": style.code, "learned": _learned(predictor, style)}
        for turn in range(PHOTOGRAPHS):
            photograph = _square(Path(photographs[(i * PHOTOGRAPHS + turn) % len(photographs)]))
            array = np.asarray(photograph)
            outputs = {
                name: Image.fromarray(predictor.stylizer.render(array, code))
                for name, code in codes.items()
            }
            shown = {"photographs": photograph, "paintings": picture, **outputs}
            for name, output in shown.items():
                (folder / name).mkdir(parents=True, exist_ok=True)
                output.save(folder / name / f"{painting.name}-{turn}.png")


def _square(path: Path) -> Image.Image:
    return ImageOps.fit(flatten(open_picture(path)), (SIDE, SIDE), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
