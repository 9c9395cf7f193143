"""Are the files on disk those that the manifest lists? Every byte of each is looked at."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
from rich.progress import track


def file_faults(manifest: pd.DataFrame, folder: Path) -> dict[str, str]:
    """What is wrong with which file.

    Args:
        manifest: its `path` and `sha256` say which file is to be where.
        folder: that holds the pictures, and nothing else.

    Returns:
        Path → what is wrong, for files that are missing, changed, in another's place, or listed
        nowhere.
    """
    listed = dict(zip(manifest.path, manifest.sha256, strict=True))
    owner = {digest: path for path, digest in listed.items()}
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with ThreadPoolExecutor() as pool:
        digests = track(pool.map(_digest, files), "comparing files", len(files))
        found = dict(zip(map(Path.as_posix, files), digests, strict=True))
    faults = {}
    for path in sorted(listed.keys() | found.keys()):
        if path not in found:
            faults[path] = "is missing"
        elif path not in listed:
            faults[path] = "is in no row of the manifest"
        elif found[path] != listed[path]:
            other = owner.get(found[path])
            faults[path] = f"is the file of {other}" if other else "is not the file that was listed"
    return faults


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
