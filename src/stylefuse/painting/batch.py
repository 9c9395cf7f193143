"""Many pictures, painted one by one; one that cannot be painted does not stop the others."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.save import save_picture
from stylefuse.models.task import Task
from stylefuse.painting.files import refuse_unwritable
from stylefuse.painting.progress import bar
from stylefuse.painting.sidecar import Job, record, remove_sidecar, write_sidecar


class Delivery(NamedTuple):
    """How pictures come to lie where they go.

    Attributes:
        skip_existing: leave alone what is there already: the picture, and the record beside it
            where there is to be one. Both are written whole or not at all.
        sidecar: write each picture's record beside it.
    """

    skip_existing: bool = False
    sidecar: bool = False


PLAIN = Delivery()


class Painter(NamedTuple):
    """What paints.

    Attributes:
        paint: makes the picture of a job, from what was read for it.
        models: for the records, see `serving.record.record`.
    """

    paint: Callable[[Job, Any], Image.Image]
    models: Mapping[str, Mapping[str, str]]


@dataclass
class BatchResult:
    """What came of some jobs.

    Attributes:
        records: one for each picture that was painted.
        skipped: files that were there already.
        failed: what went wrong, a sentence for each of the others.
    """

    records: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        skipped = [str(path) for path in self.skipped]
        return {"painted": self.records, "skipped": skipped, "failed": self.failed}

    def check(self) -> None:
        """Raise a UserError that lists what could not be painted, if there is anything."""
        if not self.failed:
            return
        total = len(self.records) + len(self.failed)
        head = [f"{len(self.failed)} of {total} pictures could not be painted:"]
        raise UserError("\n  ".join((head if total > 1 else []) + self.failed))


def paint_all(
    jobs: Sequence[Job],
    read: Callable[[Job], Any],
    load: Callable[[], Painter],
    task: Task,
    delivery: Delivery,
) -> BatchResult:
    """Paint and save, and show how far that is.

    Args:
        jobs: what is to be painted.
        read: opens what a job needs.
        load: gives what paints them; it takes seconds, and is not called before there is something
            to paint.
        recipe: of the model that paints.
        delivery: what is left alone, and what is written.

    Raises:
        UserError: a folder cannot be written to, or there is no model.
    """
    done, left = BatchResult(), []
    for job in jobs:
        if delivery.skip_existing and _is_there(job, delivery):
            done.skipped.append(job.output)
        else:
            left.append(job)
    if not left:
        return done
    refuse_unwritable(job.output for job in left)
    painter = None
    with bar(len(left)) as shown:
        for job, held in _readable(left, read, done.failed):
            painter = painter or load()
            shown.say("painting")
            try:
                done.records.append(_deliver(job, held, painter, task, delivery))
            except UserError as error:
                done.failed.append(str(error))
            shown.advance()
    return done


def _readable(
    jobs: Iterable[Job], read: Callable[[Job], Any], failed: list[str]
) -> Iterator[tuple[Job, Any]]:
    """Jobs with what was read for them; why others could not be read goes to `failed`."""
    for job in jobs:
        try:
            held = read(job)
        except UserError as error:
            failed.append(str(error))
        else:
            yield job, held


def _is_there(job: Job, delivery: Delivery) -> bool:
    return job.output.exists() and (job.sidecar.exists() or not delivery.sidecar)


def _deliver(
    job: Job, held: Any, painter: Painter, task: Task, delivery: Delivery
) -> dict[str, Any]:
    picture = painter.paint(job, held)
    if delivery.sidecar:
        remove_sidecar(job.sidecar)
    save_picture(picture, job.output, task.picture_origin)
    told = record(job, painter.models)
    if delivery.sidecar:
        write_sidecar(job.sidecar, told)
    return told
