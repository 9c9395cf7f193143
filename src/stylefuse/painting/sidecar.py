"""Sidecars: JSON files that say what a picture was made with.

They hold neither times nor host names, so that the same command writes the same bytes.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stylefuse import __version__
from stylefuse.errors import UserError
from stylefuse.fileio import sha256, write_text_atomically
from stylefuse.painting.job import Job


def make_sidecar(job: Job, models: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Describe how a picture was made, for JSON.

    Args:
        job: the picture's; its output has been written.
        models: role → origin of each model that took part (see `stylefuse.painting.batch`).

    Returns:
        The models by role, `options`, `inputs` and `output` (each file with its SHA-256), the
        version of `stylefuse`, and the `seed` of a generated picture.
    """
    return {**describe(job, models), "output": _file(job.output), "stylefuse": __version__}


def describe(job: Job, models: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """The part of a sidecar that is known before a picture is painted: all that it depends on."""
    return {
        **models,
        "options": dict(job.options),
        **({} if job.seed is None else {"seed": job.seed}),
        "inputs": {name: [_file(path) for path in paths] for name, paths in job.inputs.items()},
    }


def write_sidecar(path: Path, content: Mapping[str, Any]) -> None:
    """Write a sidecar atomically.

    Raises:
        UserError: the file cannot be written.
    """
    write_text_atomically(path, json.dumps(content, indent=1, sort_keys=True) + "\n")


def remove_sidecar(path: Path) -> None:
    """Remove a sidecar before its picture is replaced: after a crash, no sidecar may describe
    another picture.

    Raises:
        UserError: the file cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        message = f"{path} cannot be replaced: {error.strerror or error}"
        raise UserError(message, code="file-not-writable") from None


def _file(path: Path) -> dict[str, str]:
    return {"file": str(path), "sha256": sha256(path)}
