"""What a command that paints is asked to leave, and what it left."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from stylefuse import __version__
from stylefuse.errors import UserError
from stylefuse.models.recipe import Options
from stylefuse.registry.fetch import Model
from stylefuse.serving.files import save_picture, write_whole
from stylefuse.serving.many import paint_each


@dataclass(frozen=True)
class Wanted:
    """Where pictures go, and how.

    Attributes:
        out: a file, or a folder.
        skip_existing: leave those that are there as they are.
        sidecar: write beside each a JSON file that says how it was made.
    """

    out: Path
    skip_existing: bool = False
    sidecar: bool = False


class Job(NamedTuple):
    """One picture to be painted.

    Attributes:
        output: its file.
        inputs: files that it is made from.
        told: what its sidecar says beside the dials.
        paint: model's artist → picture.
    """

    output: Path
    inputs: Sequence[Path]
    told: Mapping[str, Any]
    paint: Callable[[Any], Image.Image]


class Done(NamedTuple):
    """What a command left: files that it made, files that were there, the model that painted."""

    made: list[str]
    skipped: list[str]
    model: str | None


def carry_out(
    jobs: Sequence[Job], wanted: Wanted, options: Options, fetch: Callable[[], Model]
) -> Done:
    """Paint all that is wanted, one by one, and show how far that is.

    Args:
        jobs: what may be painted.
        wanted: how.
        options: the dials.
        fetch: loads the model; is not called where nothing is left to be painted.

    Raises:
        UserError: two jobs have one file, or some pictures could not be painted.
    """
    (output, count), *_ = Counter(job.output for job in jobs).most_common(1)
    if count > 1:
        raise UserError(f"{count} pictures would become {output}; paint them into two folders")
    left, skipped = [], []
    for job in jobs:
        if wanted.skip_existing and job.output.exists():
            skipped.append(str(job.output))
        else:
            left.append(job)
    if not left:
        return Done([], skipped, None)
    model = fetch()

    def paint(job: Job) -> None:
        save_picture(job.paint(model.artist), job.output, model.recipe)
        if wanted.sidecar:
            write_sidecar(job, model, options)

    paint_each(left, paint)
    return Done([str(job.output) for job in left], skipped, model.name)


def write_sidecar(job: Job, model: Model, options: Options) -> None:
    """Write `NAME.json` beside a picture: the same picture has the same one."""
    told = {
        "stylefuse": __version__,
        "model": {"name": model.name, "weights": model.weights},
        "dials": asdict(options),
        "inputs": {str(path): _sha256(path) for path in job.inputs},
        "output": {job.output.name: _sha256(job.output)},
        **job.told,
    }
    text = json.dumps(told, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    write_whole(job.output.with_suffix(".json"), lambda draft: draft.write_text(text, "utf-8"))


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
