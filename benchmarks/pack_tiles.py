"""Carry prepared tiles to another machine: lossless WebP, a third of the arrays' size.

python benchmarks/pack_tiles.py pack | unpack      data/prepared ↔ data/packed
"""

import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

PREPARED, PACKED = Path("data/prepared"), Path("data/packed")
DOMAINS = ("photograph", "painting")


def pack() -> None:
    """One file per array: the length of each picture, then the pictures."""
    PACKED.mkdir(exist_ok=True)
    shutil.copy(PREPARED / "tiles.json", PACKED)
    for split in ("train", "validation"):
        for domain in DOMAINS:
            pictures = []
            for tile in np.load(PREPARED / f"{split}_{domain}.npy", mmap_mode="r"):
                file = io.BytesIO()
                Image.fromarray(tile).save(file, "WEBP", lossless=True)
                pictures.append(file.getvalue())
            head = json.dumps([len(picture) for picture in pictures]).encode()
            path = PACKED / f"{split}_{domain}.webps"
            path.write_bytes(head + b"\n" + b"".join(pictures))
            print(path, f"{path.stat().st_size / 2**20:.1f} MiB")


def unpack() -> None:
    PREPARED.mkdir(parents=True, exist_ok=True)
    shutil.copy(PACKED / "tiles.json", PREPARED)
    for path in sorted(PACKED.glob("*.webps")):
        head, _, body = path.read_bytes().partition(b"\n")
        tiles, start = [], 0
        for length in json.loads(head):
            with Image.open(io.BytesIO(body[start : start + length])) as picture:
                tiles.append(np.asarray(picture.convert("RGB")))
            start += length
        np.save(PREPARED / f"{path.stem}.npy", np.stack(tiles))


if __name__ == "__main__":
    {"pack": pack, "unpack": unpack}[sys.argv[1]]()
