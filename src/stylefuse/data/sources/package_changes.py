"""Refuses packages whose bytes have changed since they were first ingested.

`data/sources.lock`, which Git tracks, has a line `SHA-256  PACKAGE` for each package.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from stylefuse.config import Source
from stylefuse.data.sources.downloads import debian_package, python_package
from stylefuse.data.sources.read import read_source
from stylefuse.errors import UserError
from stylefuse.fileio import sha256, write_text_atomically

FETCH = {"apt": debian_package, "pypi": python_package}
DATA_REFUSED = 10  # exit code, as for pictures that fail validation
MAX_NAMES = 10  # pictures that a message names for each kind of change


def refuse_changed_packages(
    sources: Sequence[Source], lock: Path, manifest: Path, accept: bool = False
) -> None:
    """Compare the packages of all sources with the lock file, and add new packages to it.

    Only sources of kind `apt` and `pypi` are compared: a `url` has a checksum in `params.yaml`,
    and a folder may change.

    Args:
        sources: from `params.yaml`.
        lock: the lock file.
        manifest: of the last ingest; it need not exist. The message lists the differences to it.
        accept: write the packages as they are now into the lock file.

    Raises:
        UserError: a package has changed (exit code 10) or is not available.
    """
    files = {
        package: FETCH[source.kind](package)
        for source in sources
        if source.kind in FETCH
        for package in source.packages
    }
    digests = {package: sha256(file) for package, file in files.items()}
    locked = {} if accept else _read_lock(lock)
    changed = [name for name, digest in digests.items() if locked.get(name, digest) != digest]
    if not changed:
        _write_lock(lock, locked | digests)
        return
    lines = [f"{len(changed)} package(s) have changed since they were first ingested ({lock})"]
    for package in changed:
        lines.append(f"  {package}: sha256 was {locked[package]}, is {digests[package]}")
        users = (source for source in sources if package in source.packages)
        lines += [f"    {line}" for source in users for line in _differences(source, manifest)]
    lines.append(
        "If the change is right, accept it with `python -m stylefuse.data.ingest --accept` and "
        f"commit {lock}. If a download is damaged, delete it to fetch it again: "
        + ", ".join(str(files[package]) for package in changed)
    )
    raise UserError("\n".join(lines), DATA_REFUSED, code="package-changed")


def _differences(source: Source, manifest: Path) -> Iterator[str]:
    """The pictures of a source that were added (+), removed (-) or changed (~) since the manifest
    was written."""
    if not manifest.exists():
        return
    rows = pd.read_parquet(manifest, columns=["source", "member", "sha256"])
    rows = rows[rows.source == source.name]
    old = dict(zip(rows.member, rows.sha256, strict=True))
    try:
        new = {p.path: hashlib.sha256(p.read()).hexdigest() for p in read_source(source)}
    except Exception as error:  # a damaged archive can raise anything
        yield f"source {source.name} cannot be read any more: {error}"
        return
    yield f"source {source.name}: {len(old)} pictures before, {len(new)} now"
    yield from _listed("+", sorted(new.keys() - old.keys()))
    yield from _listed("-", sorted(old.keys() - new.keys()))
    yield from _listed("~", sorted(name for name in old if new.get(name, old[name]) != old[name]))


def _listed(mark: str, names: Sequence[str]) -> Iterator[str]:
    yield from (f"{mark} {name}" for name in names[:MAX_NAMES])
    if len(names) > MAX_NAMES:
        yield f"{mark} and {len(names) - MAX_NAMES} more"


def _read_lock(lock: Path) -> dict[str, str]:
    """The digest of each package in the lock file."""
    if not lock.exists():
        return {}
    pairs = [line.split(maxsplit=1) for line in lock.read_text().splitlines()]
    if any(len(pair) != 2 for pair in pairs):
        raise UserError(
            f"{lock} has a line that is not `SHA-256  PACKAGE`; run `git restore {lock}`",
            code="sources-lock-damaged",
        )
    return {package: digest for digest, package in pairs}


def _write_lock(lock: Path, digests: Mapping[str, str]) -> None:
    text = "".join(f"{digests[package]}  {package}\n" for package in sorted(digests))
    if not lock.exists() or lock.read_text() != text:
        write_text_atomically(lock, text)
