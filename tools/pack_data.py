"""Pack the training pictures and the perceptual loss's weights for a machine without a network.

    python -m tools.pack_data pack             data/… → data/packed.zip
    python -m tools.pack_data unpack PROFILE   data/packed.zip → data/prepared and the weights

The archive has the pictures instead of the tiles that are cut from them, which would be twice the
size.
"""

import argparse
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
    """Write the archive."""
    manifest = training_manifest()
    with zipfile.ZipFile(PACKED, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in [MANIFEST, *map(Path, manifest.path), *sorted(FOLDER.iterdir())]:
            packed.write(path)
    print(f"{PACKED}: {len(manifest)} pictures, {PACKED.stat().st_size / 2**20:.1f} MiB")


def unpack(profile: str) -> None:
    """Extract the archive, and cut the tiles of a profile."""
    with zipfile.ZipFile(PACKED) as packed:
        packed.extractall()
    prepare(training_manifest(), load_params().prepare[profile], PREPARED, SPLITS)


def training_manifest() -> pd.DataFrame:
    """The manifest's rows of pictures in `SPLITS` and `DOMAINS`."""
    manifest = pd.read_parquet(MANIFEST)
    return manifest[manifest.split.isin(SPLITS) & manifest.domain.isin(DOMAINS)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("pack")
    commands.add_parser("unpack").add_argument("profile", help="of params.yaml")
    args = parser.parse_args()
    if args.command == "pack":
        pack()
    else:
        unpack(args.profile)


if __name__ == "__main__":
    main()
