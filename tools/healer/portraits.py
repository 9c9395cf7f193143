"""Painted faces that the healer learns from, all of one size, with their meshes.

    python -m tools.healer.portraits

`faces.json` beside this file names portraits of the training split whose faces are not covered. It
says which have beards, and in which square the face is: left, top and side. Run it after
`dvc repro ingest`; needs the package `ncnn`. Other portraits than before make old pairs useless.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from stylefuse.config import load_params
from stylefuse.data.sources.apt import read_apt
from stylefuse.images.open import open_picture
from stylefuse.inference.characters.healing import FACE_WIDTH
from stylefuse.inference.faces.face import Face, find_faces, shifted
from stylefuse.paths import MANIFEST
from tools.character_gallery import SOURCE, on_ground
from tools.drawing_enlarger import DrawingEnlarger

FOLDER = Path(".cache/wip/healer")
PORTRAITS = FOLDER / "portraits.npz"
LIST = Path(__file__).with_name("faces.json")
SIDE = 192  # pixels; of a portrait
SQUARE = r"( -?\d+){3}\.png$"  # what ends the name of a face that was cut out of a portrait
AROUND = 2.4  # sides of the list's square, in which the face is looked for
REACH = 1.42  # of what is enlarged around the middle of a face, in its widths
MIN_SCORE, MAX_YAW = 0.7, 28  # of the mesh; degrees


def main() -> None:
    """Cut out the faces, and write them with their meshes."""
    entries = {entry["path"]: entry for entry in json.loads(LIST.read_text())}
    _check_split(set(entries))
    (source,) = (source for source in load_params().data.sources if source.name == SOURCE)
    enlarger, pictures, points, beards = DrawingEnlarger(), [], [], []
    for original in read_apt(source, lambda path: path in entries):
        portrait = on_ground(open_picture(original.data, original.path)).convert("RGB")
        portrait = _around(portrait, *entries[original.path]["square"])
        face = find_faces(portrait)[0]
        if face.score < MIN_SCORE or abs(face.pose.yaw) > MAX_YAW:
            continue
        picture, mesh = _square(portrait, face, enlarger)
        pictures.append(picture)
        points.append(mesh)
        beards.append(entries[original.path]["beard"])
        print(len(beards), original.path, flush=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    np.savez(
        PORTRAITS, pictures=np.stack(pictures), points=np.stack(points), beards=np.array(beards)
    )


def _check_split(paths: set[str]) -> None:
    """Check that no face of a list is held out."""
    manifest = pd.read_parquet(MANIFEST)
    rows = manifest[(manifest.source == SOURCE) & (manifest.split == "train")]
    held_out = paths - set(rows.member.str.replace(SQUARE, ".png", regex=True))
    if held_out:
        raise SystemExit(f"not in the training split: {', '.join(sorted(held_out))}")


def _around(portrait: Image.Image, left: int, top: int, side: int) -> Image.Image:
    """What is around a square of a portrait, `AROUND` times as wide."""
    margin = round((AROUND - 1) / 2 * side)
    box = (left - margin, top - margin, left + side + margin, top + side + margin)
    right, bottom = (min(a, b) for a, b in zip(box[2:], portrait.size, strict=True))
    return portrait.crop((max(0, box[0]), max(0, box[1]), right, bottom))


def _square(
    portrait: Image.Image, face: Face, enlarger: DrawingEnlarger
) -> tuple[np.ndarray, np.ndarray]:
    """A square around a face of `FACE_WIDTH`, uint8 `[SIDE, SIDE, 3]`, and the mesh in it."""
    left, top = (max(0, int(place - REACH * face.width)) for place in face.flat.mean(0))
    right, bottom = (int(place + REACH * face.width) for place in face.flat.mean(0))
    crop = portrait.crop((left, top, min(right, portrait.width), min(bottom, portrait.height)))
    small = face.width < FACE_WIDTH
    enlarged = enlarger.double(crop) if small else crop
    scale = FACE_WIDTH / face.width
    size = [round(length * scale) for length in crop.size]
    levels = np.asarray(enlarged.resize((size[0], size[1]), Image.Resampling.LANCZOS))
    points = shifted(face, (left, top), scale).points
    start = np.rint(points.mean(0)[:2] - SIDE / 2).astype(int)
    columns, rows = (
        np.clip(np.arange(SIDE) + first, 0, length - 1)
        for first, length in zip(start, size, strict=True)
    )
    return levels[rows][:, columns], (points - [*start, 0]).astype(np.float32)


if __name__ == "__main__":
    main()
