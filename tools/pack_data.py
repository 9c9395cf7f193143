"""Carry pictures and the guide's weights to a machine that can fetch nothing.

python -m tools.pack_data pack             data/… → data/packed.zip
python -m tools.pack_data unpack PROFILE   data/packed.zip → data/prepared and the weights

The pictures travel as they are, which is half the size of the tiles that are cut from them.
"""

import sys
import zipfile
from pathlib import Path

import pandas as pd

from stylefuse.config import load_params
from stylefuse.data.prepare import prepare
from stylefuse.models.portrait import Settings as Portrait
from stylefuse.models.transfer import Settings as Transfer
from stylefuse.models.transfer.perceptual import FOLDER
from stylefuse.paths import MANIFEST, PREPARED

PACKED = Path("data/packed.zip")
SPLITS = ("train", "validation")
DOMAINS = {*Transfer.domains, *Portrait.domains}


def pack() -> None:
    manifest = needed()
    with zipfile.ZipFile(PACKED, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in [MANIFEST, *map(Path, manifest.path), *sorted(FOLDER.iterdir())]:
            packed.write(path)
    print(f"{PACKED}: {len(manifest)} pictures, {PACKED.stat().st_size / 2**20:.1f} MiB")


def unpack(profile: str) -> None:
    with zipfile.ZipFile(PACKED) as packed:
        packed.extractall()
    prepare(needed(), load_params().prepare[profile], PREPARED, SPLITS)


def needed() -> pd.DataFrame:
    """The pictures that models are trained on and shown with."""
    manifest = pd.read_parquet(MANIFEST)
    return manifest[manifest.split.isin(SPLITS) & manifest.domain.isin(DOMAINS)]


if __name__ == "__main__":
    {"pack": pack, "unpack": unpack}[sys.argv[1]](*sys.argv[2:])
