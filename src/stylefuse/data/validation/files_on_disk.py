"""Compares the picture files on disk with the manifest, by checksum."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
from rich.progress import track

from stylefuse.fileio import sha256


def file_errors(manifest: pd.DataFrame, folder: Path) -> dict[str, str]:
    """Find files that are missing, changed, swapped or not listed.

    Args:
        manifest: its columns `path` and `sha256` are compared.
        folder: of the pictures; it should hold nothing else.

    Returns:
        What is wrong, by path.
    """
    listed = dict(zip(manifest.path, manifest.sha256, strict=True))
    path_of = {digest: path for path, digest in listed.items()}
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with ThreadPoolExecutor() as pool:
        digests = track(pool.map(sha256, files), "comparing files", len(files))
        on_disk = dict(zip(map(Path.as_posix, files), digests, strict=True))
    errors = {}
    for path in sorted(listed.keys() | on_disk.keys()):
        if path not in on_disk:
            errors[path] = "is missing"
        elif path not in listed:
            errors[path] = "is not in the manifest"
        elif on_disk[path] != listed[path]:
            other = path_of.get(on_disk[path])
            errors[path] = f"is the file of {other}" if other else "differs from the manifest"
    return errors
