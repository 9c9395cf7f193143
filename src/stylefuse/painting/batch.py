"""Batch painting: pictures are painted one by one, and one that fails does not stop the others."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.metadata import PictureOrigin
from stylefuse.images.save import save_picture
from stylefuse.painting.files import refuse_unwritable
from stylefuse.painting.job import Job
from stylefuse.painting.progress import progress_bar
from stylefuse.painting.sidecar import make_sidecar, remove_sidecar, write_sidecar


class OutputOptions(NamedTuple):
    """How output files are written.

    Attributes:
        skip_existing: skip a picture whose output file exists, and its sidecar where one is asked
            for. Both are written atomically, so that a file that exists is complete.
        sidecar: write a JSON sidecar beside each picture.
    """

    skip_existing: bool = False
    sidecar: bool = False


DEFAULT_OUTPUT = OutputOptions()


class LoadedModel(NamedTuple):
    """A trained model that is ready to paint.

    Attributes:
        predictor: an object of `stylefuse.inference`.
        origin: for sidecars: the model's `name`, its registered `version` or its `folder`, and the
            `sha256` of its weights.
        picture_origin: for the metadata of its pictures.
    """

    predictor: Any
    origin: Mapping[str, str]
    picture_origin: PictureOrigin


ModelLoader = Callable[[], LoadedModel]  # takes seconds; raises a UserError if there is no model


class Painter(NamedTuple):
    """What paints the pictures of a batch.

    Attributes:
        paint: paints the picture of a job from what was read for it.
        models: role → origin of each model that takes part, for the sidecars.
        picture_origin: for the metadata of the pictures.
    """

    paint: Callable[[Job, Any], Image.Image]
    models: Mapping[str, Mapping[str, str]]
    picture_origin: PictureOrigin


@dataclass
class BatchResult:
    """The outcome of a batch.

    Attributes:
        painted: the sidecar's content of each picture that was painted.
        skipped: output files that existed already.
        failed: why each of the other pictures could not be painted.
    """

    painted: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    failed: list[UserError] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """The outcome for JSON."""
        return {
            "painted": self.painted,
            "skipped": [str(path) for path in self.skipped],
            "failed": [str(error) for error in self.failed],
        }

    def raise_failures(self) -> None:
        """Raise a UserError that lists all failures, if there are any."""
        if not self.failed:
            return
        total = len(self.painted) + len(self.failed)
        if total == 1:
            raise self.failed[0]
        title = f"{len(self.failed)} of {total} pictures could not be painted:"
        raise UserError("\n  ".join([title, *map(str, self.failed)]), code="pictures-failed")


def paint_all(
    jobs: Sequence[Job],
    read: Callable[[Job], Any],
    load: Callable[[], Painter],
    output: OutputOptions,
) -> BatchResult:
    """Paint and save the pictures of a batch behind a progress bar.

    Args:
        jobs: one per picture.
        read: opens the inputs of a job.
        load: loads the models; it is called once the inputs of a first job could be read.
        output: what is skipped, and what is written.

    Raises:
        UserError: an output folder is not writable, or there is no model.
    """
    result, pending = BatchResult(), []
    for job in jobs:
        if output.skip_existing and _is_complete(job, output):
            result.skipped.append(job.output)
        else:
            pending.append(job)
    if not pending:
        return result
    refuse_unwritable(job.output for job in pending)
    painter = None
    with progress_bar(len(pending)) as bar:
        for job, inputs in _readable(pending, read, result.failed):
            painter = painter or load()
            bar.describe("painting")
            try:
                result.painted.append(_paint_and_save(job, inputs, painter, output))
            except UserError as error:
                result.failed.append(error)
            bar.advance()
    return result


def _readable(
    jobs: Iterable[Job], read: Callable[[Job], Any], failed: list[UserError]
) -> Iterator[tuple[Job, Any]]:
    """Jobs with their inputs; the errors of unreadable ones are added to `failed`."""
    for job in jobs:
        try:
            inputs = read(job)
        except UserError as error:
            failed.append(error)
        else:
            yield job, inputs


def _is_complete(job: Job, output: OutputOptions) -> bool:
    return job.output.exists() and (job.sidecar.exists() or not output.sidecar)


def _paint_and_save(
    job: Job, inputs: Any, painter: Painter, output: OutputOptions
) -> dict[str, Any]:
    picture = painter.paint(job, inputs)
    if output.sidecar:
        remove_sidecar(job.sidecar)
    save_picture(picture, job.output, painter.picture_origin)
    sidecar = make_sidecar(job, painter.models)
    if output.sidecar:
        write_sidecar(job.sidecar, sidecar)
    return sidecar
