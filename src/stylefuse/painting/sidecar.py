"""What a picture was made with: for programs, and for a file beside the picture.

The same work makes the same bytes: nothing here tells a time or a machine.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stylefuse import __version__
from stylefuse.errors import UserError
from stylefuse.fileio import sha256, write_atomically


@dataclass(frozen=True)
class Job:
    """One picture that is to be made.

    Attributes:
        output: the file that it goes to.
        dials: all of them, by name.
        inputs: the files that it is made of, by the names of the model's inputs.
        seed: of what is invented.
    """

    output: Path
    dials: Mapping[str, Any]
    inputs: Mapping[str, Sequence[Path]]
    seed: int | None = None

    @property
    def sidecar(self) -> Path:
        """Where its record goes."""
        return self.output.with_suffix(".json")


def record(job: Job, models: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What a picture that lies at its place was made with.

    Args:
        job: of the picture.
        models: what made it: the origin of each (see `registry.fetch.FetchedModel`), by its part.

    Returns:
        The models, `dials`, `inputs` and `output`, each file with its SHA-256, the version of
        `stylefuse`, and a `seed` where there is one.
    """
    return {
        **models,
        "dials": dict(job.dials),
        **({} if job.seed is None else {"seed": job.seed}),
        "inputs": {name: [_file(path) for path in paths] for name, paths in job.inputs.items()},
        "output": _file(job.output),
        "stylefuse": __version__,
    }


def write_sidecar(path: Path, told: Mapping[str, Any]) -> None:
    """Write a record, whole or not at all.

    Raises:
        UserError: the disk or the folder does not take it.
    """
    text = json.dumps(told, indent=1, sort_keys=True) + "\n"
    write_atomically(path, lambda draft: draft.write_text(text))


def remove_sidecar(path: Path) -> None:
    """Remove a record before its picture changes, so that a crash leaves none of another picture.

    Raises:
        UserError: it cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"{path} cannot be replaced: {error.strerror or error}") from None


def _file(path: Path) -> dict[str, str]:
    return {"file": str(path), "sha256": sha256(path)}
