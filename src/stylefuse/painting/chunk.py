"""A chunk of a large batch, which one worker paints and records in the batch's manifest."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from stylefuse.errors import UserError
from stylefuse.fileio import sha256
from stylefuse.images.open import open_picture
from stylefuse.images.save import save_picture
from stylefuse.inference.options import Options
from stylefuse.inference.predictor import Predictor
from stylefuse.painting.job import Job
from stylefuse.painting.manifest import Record
from stylefuse.painting.sidecar import describe, make_sidecar

STYLE = "style"  # the input that is the same for all pictures of a batch


class Chunk(NamedTuple):
    """Some pictures of a batch.

    Attributes:
        jobs: one per picture; the first input is the picture itself.
        known: what the manifest says about their outputs, see `read_manifest`.
        origin: of the model that paints, see `LoadedModel`.
        options: of the model.
    """

    jobs: Sequence[Job]
    known: Mapping[str, Record]
    origin: Mapping[str, str]
    options: Options


def paint_chunk(chunk: Chunk, load: Callable[[], Predictor]) -> list[Record]:
    """Paint and save the pictures of a chunk that are not done yet, one at a time.

    Args:
        chunk: of the batch.
        load: loads the model; it is called if there is anything to paint.

    Returns:
        A record for each picture that was painted or could not be.

    Raises:
        UserError: an output cannot be written, or there is no model.
    """
    pending = [job for job in chunk.jobs if not _is_done(job, chunk)]
    if not pending:
        return []
    predictor, models = load(), {"model": chunk.origin}
    styles = [open_picture(path) for path in pending[0].inputs.get(STYLE, ())]
    records: list[Record] = []
    for job in pending:
        start = time.perf_counter()
        name, (path,) = next(iter(job.inputs.items()))
        try:
            inputs = {name: open_picture(path)} | ({STYLE: styles} if styles else {})
            picture = predictor.paint(inputs, chunk.options)
        except UserError as error:
            records.append(_failure(name, path, job.output, error))
            continue
        save_picture(picture, job.output, predictor.picture_origin(), job.photograph)
        seconds = round(time.perf_counter() - start, 3)
        records.append(make_sidecar(job, models) | {"seconds": seconds})
    return records


def _is_done(job: Job, chunk: Chunk) -> bool:
    """Whether the output exists, of the same input, model and options as now."""
    record = chunk.known.get(str(job.output), {})
    if "error" in record or not record or not job.output.exists():
        return False
    try:
        return describe(job, {"model": chunk.origin}).items() <= record.items()
    except OSError:
        return False  # the input has disappeared, which painting reports


def _failure(name: str, path: Path, output: Path, error: UserError) -> Record:
    entry = {"file": str(path)} | ({"sha256": sha256(path)} if path.is_file() else {})
    return {
        "inputs": {name: [entry]},
        "output": {"file": str(output)},
        "error": str(error),
        "code": error.code,
    }
