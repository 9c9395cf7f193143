"""Make the gallery of painted characters in `src/stylefuse/inference/characters/gallery`.

    python -m tools.character_gallery

`data/curated/characters.json` names the pictures, which are in the packages of the source
`wesnoth-portraits`. Each is cut to head and shoulders, laid on a quiet ground, enlarged, and
written with its pose and its split, after `dvc repro ingest`. Needs the package `ncnn`.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from stylefuse.config import load_params
from stylefuse.data.sources.apt import read_apt
from stylefuse.data.sources.picture import SourcePicture
from stylefuse.images.open import open_picture
from stylefuse.inference.characters.gallery import GALLERY, INDEX
from stylefuse.inference.faces.face import find_faces
from stylefuse.inference.faces.frame import FRAME, head_and_shoulders
from stylefuse.paths import MANIFEST
from tools.drawing_enlarger import DrawingEnlarger

LIST = Path("data/curated/characters.json")
SOURCE = "wesnoth-portraits"
SIDE = 512  # pixels; of the pictures that are shipped
QUALITY = 84  # of WebP
GROUND_LIGHTNESS, GROUND_CHROMA = (88, 30), 0.3  # levels in the centre and in a corner; share
LICENCES = """# Licences of the characters

The pictures are portraits of [The Battle for Wesnoth](https://www.wesnoth.org), by David White and
the contributors of the game, from the Debian packages `wesnoth-1.16-*` (1:1.16.9-1). They are under
the GNU General Public License, version 2 or any later one, and not under the licence of the code.

Changes: cut to head and shoulders, laid on a ground where they were transparent, enlarged with
waifu2x. `python -m tools.character_gallery` makes them. A picture that is painted after one of them
is a work based on it.

| character | source | author | licence |
|---|---|---|---|
"""


def main() -> None:
    """Write all pictures, their index and their licences."""
    entries = {entry["path"]: entry for entry in json.loads(LIST.read_text())}
    (source,) = (source for source in load_params().data.sources if source.name == SOURCE)
    splits, enlarger = _splits(), DrawingEnlarger()
    GALLERY.mkdir(parents=True, exist_ok=True)
    index, rights = {}, {}
    for original in read_apt(source, lambda path: path in entries):
        entry = entries.pop(original.path)
        path = GALLERY / f"{entry['name']}.webp"
        picture = _head_and_shoulders(original, entry.get("frame", FRAME), enlarger)
        picture.save(path, quality=QUALITY, method=6)
        pose = find_faces(open_picture(path))[0].pose
        index[entry["name"]] = {
            "title": entry["title"],
            "beard": entry["beard"],
            "pose": [round(angle, 1) for angle in pose],
            "split": splits[original.path.rpartition(".")[0]],
        }
        rights[entry["name"]] = original
        print(entry["name"], index[entry["name"]])
    if entries:
        raise SystemExit(f"the packages lack {', '.join(entries)}")
    INDEX.write_text(json.dumps(dict(sorted(index.items())), indent=1) + "\n")
    lines = [_licence_line(name, picture) for name, picture in sorted(rights.items())]
    (GALLERY / "LICENCES.md").write_text(LICENCES + "".join(lines))


def _splits() -> dict[str, str]:
    """Path of a portrait without its suffix → the split in which its face is."""
    manifest = pd.read_parquet(MANIFEST)
    rows = manifest[manifest.source == SOURCE]
    paths = rows.member.str.replace(r"( -?\d+){3}\.png$", "", regex=True)
    return dict(zip(paths, rows.split, strict=True))


def _head_and_shoulders(
    original: SourcePicture, frame: float, enlarger: DrawingEnlarger
) -> Image.Image:
    portrait = _on_ground(open_picture(original.read(), original.path))
    crop = portrait.crop(head_and_shoulders(find_faces(portrait)[0], portrait.size, frame))
    return enlarger.double(crop).resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _on_ground(portrait: Image.Image) -> Image.Image:
    """A portrait on a ground of its own hue, light behind the head and dark in the corners."""
    if portrait.mode != "RGBA":
        return portrait
    levels = np.asarray(portrait, np.float32)
    opaque = levels[levels[..., 3] > 250][:, :3]
    hue = (opaque.mean(0) - opaque.mean()) * GROUND_CHROMA
    rows, columns = (np.linspace(-1, 1, side)[:, None] for side in portrait.size[::-1])
    distance = np.minimum(np.hypot(rows + 0.3, columns.T) / 1.4, 1)[..., None]
    bright, dark = GROUND_LIGHTNESS
    ground = bright + (dark - bright) * distance + hue
    result = Image.fromarray(np.rint(np.clip(ground, 0, 255)).astype(np.uint8))
    result.paste(portrait, mask=portrait.getchannel("A"))
    return result


def _licence_line(name: str, picture: SourcePicture) -> str:
    path = picture.path.removeprefix("usr/share/games/wesnoth/1.16/data/")
    return f"| {name} | `{path}` | {picture.author} | {picture.licence} |\n"


if __name__ == "__main__":
    main()
