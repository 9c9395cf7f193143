"""Batch painting: pictures are painted one by one, and one that fails does not stop the others."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.metadata import PictureOrigin
from stylefuse.images.open import Colour
from stylefuse.images.save import WHITE, save_picture
from stylefuse.inference.steps import PaintingStep
from stylefuse.painting.files import exists, refuse_name, refuse_unwritable
from stylefuse.painting.job import Job
from stylefuse.painting.progress import progress_bar
from stylefuse.painting.sidecar import make_sidecar, remove_sidecar, write_sidecar
from stylefuse.painting.watcher import Watcher


class OutputOptions(NamedTuple):
    """How output files are written.

    Attributes:
        skip_existing: skip a picture whose output file exists, and its sidecar where one is asked
            for. Both are written atomically, so that a file that exists is complete.
        sidecar: write a JSON sidecar beside each picture.
        strip: drop the date, the camera and the resolution of the photographs.
        background: of transparent pictures in JPEG.
    """

    skip_existing: bool = False
    sidecar: bool = False
    strip: bool = False
    background: Colour = WHITE


DEFAULT_OUTPUT = OutputOptions()
WORKERS = min(4, os.cpu_count() or 1)  # pictures at a time; more would take memory, and few cores
Outcome = dict[str, Any] | UserError  # a sidecar's content, or why a picture was not painted


class LoadedModel(NamedTuple):
    """A trained model that is ready to paint.

    Attributes:
        predictor: paints.
        origin: for sidecars: the model's `name`, its registered `version` or its `folder`, and the
            `sha256` of its weights.
    """

    predictor: Any
    origin: Mapping[str, str]


ModelLoader = Callable[[], LoadedModel]  # takes seconds; raises a UserError if there is no model


class Painter(NamedTuple):
    """What paints the pictures of a batch.

    Attributes:
        paint: paints the picture of a job step by step, from what was read for it.
        models: role → origin of each model that takes part, for the sidecars.
        picture_origin: for the metadata of the pictures.
    """

    paint: Callable[[Job, Any], Iterator[PaintingStep]]
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

    An interrupt ends it. A single picture that is painted step by step is then saved as it is.

    Args:
        jobs: one per picture.
        read: opens the inputs of a job.
        load: loads the models; it is called once the inputs of a first job could be read.
        output: what is skipped, and what is written.

    Raises:
        UserError: an output folder is not writable, or there is no model.
        KeyboardInterrupt: it was interrupted.
    """
    result, pending = BatchResult(), []
    for job in jobs:
        if output.skip_existing and _is_complete(job, output):
            result.skipped.append(job.output)
        else:
            pending.append(job)
    if not pending:
        return result
    refuse_unwritable([job.output for job in pending])
    title = "painting" if len(pending) == 1 else f"painting {len(pending):,} pictures"
    with progress_bar(len(pending)) as bar:
        painter = _LoadedOnce(load, lambda: bar.describe(title))
        watcher = Watcher(keep_unfinished=len(pending) == 1)

        def work(job: Job) -> Outcome:
            with bar.item() as item:
                try:
                    for path in (job.output, *([job.sidecar] if output.sidecar else [])):
                        refuse_name(path)
                    inputs = read(job)
                except UserError as error:
                    return error
                loaded = painter.get()  # an error of it stops the batch
                try:
                    picture = watcher.follow(loaded.paint(job, inputs), item)
                    return _save(picture, job, loaded, output)
                except UserError as error:
                    return error

        try:
            for outcome in _in_parallel(work, pending, watcher.stop):
                if isinstance(outcome, UserError):
                    result.failed.append(outcome)
                else:
                    result.painted.append(outcome)
        except KeyboardInterrupt:
            if watcher.kept:
                raise KeyboardInterrupt(f"{pending[0].output} is not finished") from None
            raise
    return result


class _LoadedOnce:
    """Loads the models when the first thread needs them; the others wait.

    Args:
        load: loads them.
        loaded: is called afterwards.
    """

    def __init__(self, load: Callable[[], Painter], loaded: Callable[[], None]):
        self._load, self._loaded, self._lock = load, loaded, threading.Lock()
        self._painter: Painter | None = None

    def get(self) -> Painter:
        with self._lock:
            if self._painter is None:
                self._painter = self._load()
                self._loaded()
            return self._painter


def _in_parallel(
    work: Callable[[Job], Outcome], jobs: Iterable[Job], stop: Callable[[], None]
) -> Iterator[Outcome]:
    """The outcomes of jobs in their order; a few jobs are worked on at the same time.

    While one picture is painted, another is decoded and a third encoded. The queue is short, so
    that memory does not grow with the number of pictures. At an error or an interrupt `stop` ends
    the work that was begun.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        queue: deque[Future[Outcome]] = deque()
        try:
            for job in jobs:
                queue.append(pool.submit(work, job))
                if len(queue) > WORKERS:
                    yield queue.popleft().result()
            while queue:
                yield queue.popleft().result()
        except BaseException:
            stop()
            for future in queue:
                future.cancel()
            raise


def _is_complete(job: Job, output: OutputOptions) -> bool:
    return exists(job.output) and (exists(job.sidecar) or not output.sidecar)


def _save(
    picture: Image.Image, job: Job, painter: Painter, output: OutputOptions
) -> dict[str, Any]:
    if output.sidecar:
        remove_sidecar(job.sidecar)
    photograph = None if output.strip else job.photograph
    save_picture(picture, job.output, painter.picture_origin, photograph, output.background)
    sidecar = make_sidecar(job, painter.models)
    if output.sidecar:
        write_sidecar(job.sidecar, sidecar)
    return sidecar
