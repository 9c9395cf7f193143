"""A flow that paints many pictures on Dask workers. Run again, it continues where it was stopped.

python -m flows.batch photos/ -o painted/ --style wave.jpg
python -m flows.batch old/ -o restored/ --model restore --scheduler tcp://10.0.0.1:8786
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import yaml
from distributed import Future, as_completed
from PIL import Image
from prefect import flow
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed, State
from pydantic import Field

from flows.chunks import ChunkResult, paint
from flows.cluster import Workers, dask_client
from flows.command import report_user_errors
from flows.notifications import TELL_FAILURES
from flows.temporary_server import password_required
from stylefuse.config import load_params
from stylefuse.errors import UserError, printable, run_main
from stylefuse.fileio import file_lock
from stylefuse.inference.options import Options
from stylefuse.inference.predictor import Predictor
from stylefuse.loading import MODELS_URI, load_model
from stylefuse.painting.chunk import STYLE, Chunk
from stylefuse.painting.files import (
    find_pictures,
    paths_in_folder,
    refuse_overwriting_inputs,
    refuse_unwritable,
)
from stylefuse.painting.job import Job
from stylefuse.painting.manifest import FOLDER, Record, next_part, read_manifest
from stylefuse.painting.styles import read_styles
from stylefuse.registry.tracking.batch_runs import log_batch

CHUNK = 100  # pictures; what a killed run loses is at most one chunk per worker
Size = Annotated[int, Field(ge=1, description="pictures of a chunk")]


@flow(name="batch", **TELL_FAILURES)
@report_user_errors
def batch(
    pictures: list[str],
    out: str,
    model: str = "transfer",
    styles: list[str] | None = None,
    options: dict[str, Any] | None = None,
    version: str | None = None,
    workers: Workers = 2,
    scheduler: str | None = None,
    chunk: Size = CHUNK,
) -> State:
    """Paint many pictures, and record in a manifest how each was made.

    Pictures that are done already, with the same bytes, model and options, are skipped. A picture
    that cannot be painted is recorded, and the others go on.

    Args:
        pictures: files, folders or glob patterns.
        out: a folder for the painted pictures, and for their `manifest`.
        model: its name.
        styles: `PATH` or `PATH:WEIGHT`, mixed by weight; of the transfer model.
        options: of the model, as in a request.
        version: `models:/NAME/VERSION`, `models:/NAME@ALIAS` or a folder; default: the champion.
        workers: number of processes on this machine.
        scheduler: address of a Dask cluster instead, whose workers see the same folders.
        chunk: number of pictures that a worker paints at a time.
    """
    folder = Path(out).resolve()
    predictor, origin = load_model(model, version)
    # an alias may move, and workers may have another working directory
    pinned = {k: str(Path(v).resolve()) if k == "folder" else v for k, v in origin.items()}
    location = MODELS_URI + pinned["version"] if "version" in pinned else pinned["folder"]
    settings, style_paths = _read_options(predictor, options or {}, styles or [])
    jobs = _jobs(predictor, pictures, style_paths, settings, folder)
    with _lock(folder), dask_client(workers, scheduler) as client:
        known, number = read_manifest(folder), next_part(folder)
        chunks = [
            Chunk(part, _records_of(part, known), pinned, settings)
            for part in (jobs[i : i + chunk] for i in range(0, len(jobs), chunk))
        ]
        futures = [
            client.submit(paint, part, model, location, folder, i, pure=False)
            for i, part in enumerate(chunks, number)
        ]
        total, problems = _follow(futures, len(jobs))
    if "version" in pinned:
        _log_run(pinned["version"], settings, total, folder)
    return _state(total, problems, len(chunks), folder)


@contextmanager
def _lock(out: Path) -> Iterator[None]:
    """Let one batch at a time write into a folder.

    Raises:
        UserError: another one does.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(out / FOLDER / ".lock"))
        except TimeoutError:
            raise UserError(
                f"another batch is painted into {out}; wait for its end, or name another folder",
                code="batch-running",
            ) from None
        yield


def _follow(futures: list[Future], pictures: int) -> tuple[ChunkResult, list[str]]:
    """Log the progress of chunks until all have ended.

    Returns:
        What became of the pictures, and why some chunks were not finished.
    """
    logger, start = get_run_logger(), time.monotonic()
    total, problems = ChunkResult(), []
    for future in as_completed(futures):
        if error := future.exception():
            problems.append(printable(str(error)))
            logger.error(problems[-1])
            continue
        result = future.result()
        for message in result.failed:
            logger.warning(message)
        total = ChunkResult(*(a + b for a, b in zip(total, result, strict=True)))
        rate = total.pictures / (time.monotonic() - start)
        logger.info(
            f"{total.pictures} of {pictures} pictures, {total.skipped} of them skipped; "
            f"{rate:.1f} a second, {(pictures - total.pictures) / rate / 60:.0f} minutes left"
        )
    return total, problems


def _log_run(version: str, options: Options, total: ChunkResult, out: Path) -> None:
    """Log the batch in the registry; a registry that is away now is no reason to fail."""
    counts = {"painted": total.painted, "skipped": total.skipped, "failed": len(total.failed)}
    try:
        log_batch(load_params().registry, version, asdict(options), counts, out / FOLDER)
    except UserError as error:
        get_run_logger().warning(f"the batch has no run in MLflow: {error}")


def _state(total: ChunkResult, problems: list[str], chunks: int, out: Path) -> State:
    """How the flow ends."""
    summary = f"{total.painted} painted, {total.skipped} skipped, {len(total.failed)} failed"
    if problems:
        unfinished = f"{len(problems)} of {chunks} chunks were not finished: {problems[0]}"
        return Failed(message=f"{summary}; {unfinished}; run it again to continue")
    if len(total.failed) == total.pictures:
        return Failed(message=f"no picture could be painted: {total.failed[0]}")
    return Completed(message=f"{summary}; {out / FOLDER} says how")


def _read_options(
    predictor: Predictor, options: Mapping[str, Any], styles: Sequence[str]
) -> tuple[Options, list[Path]]:
    """The model's options, and the style pictures, which have been opened once.

    Raises:
        UserError: the model takes no such options, or no styles, or none are given.
    """
    if Image.Image not in predictor.inputs.values():
        raise UserError(f"{predictor.name} paints no pictures of a folder", code="model-unsuitable")
    if bool(styles) != (STYLE in predictor.inputs):
        message = "takes no styles" if styles else "needs a style; name a picture"
        raise UserError(f"{predictor.name} {message}", code="style-missing")
    if unknown := options.keys() - {field.name for field in fields(predictor.options)}:
        raise UserError(
            f"{predictor.name} has no option {min(unknown)!r}; its options are "
            f"{', '.join(field.name for field in fields(predictor.options))}",
            code="option-invalid",
        )
    found = read_styles(styles)
    weights = {"style_weights": tuple(found.weights)} if styles else {}
    try:
        settings = predictor.options(**{**options, **weights})
    except TypeError as error:
        message = f"an option has a value of another type than it takes ({error})"
        raise UserError(message, code="option-invalid") from None
    return settings, [path.resolve() for path in found.paths]


def _jobs(
    predictor: Predictor,
    pictures: Sequence[str],
    styles: Sequence[Path],
    options: Options,
    out: Path,
) -> list[Job]:
    """A job for each picture, with paths that workers with another working directory find."""
    paths = [path.resolve() for path in find_pictures(pictures)]
    outputs = paths_in_folder(paths, out)
    refuse_overwriting_inputs([*paths, *styles], outputs)
    refuse_unwritable(outputs)
    name = next(name for name, kind in predictor.inputs.items() if kind is Image.Image)
    values = json.loads(json.dumps(asdict(options)))  # as a manifest has them
    shared = {STYLE: styles} if styles else {}
    return [
        Job(output, values, {name: [path], **shared}, photograph=path)
        for path, output in zip(paths, outputs, strict=True)
    ]


def _records_of(jobs: Sequence[Job], known: Mapping[str, Record]) -> dict[str, Record]:
    outputs = (str(job.output) for job in jobs)
    return {output: known[output] for output in outputs if output in known}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pictures", nargs="+", help="files, folders or glob patterns")
    parser.add_argument("-o", "--out", required=True, help="a folder")
    parser.add_argument("--model", default="transfer", help="its name (default: %(default)s)")
    parser.add_argument("--style", action="append", default=[], metavar="PICTURE[:WEIGHT]")
    parser.add_argument("--option", action="append", default=[], type=_parse_option,
                        metavar="NAME=VALUE", help="of the model, as in a request")  # fmt: skip
    parser.add_argument("--version", help="models:/NAME/VERSION or a folder (default: champion)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: %(default)s)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster")
    parser.add_argument("--chunk", type=int, default=CHUNK, metavar="N",
                        help="pictures of a task (default: %(default)s)")  # fmt: skip
    args = parser.parse_args()
    with password_required():
        state = batch(
            args.pictures, args.out, args.model, args.style, dict(args.option), args.version,
            args.workers, args.scheduler, args.chunk, return_state=True,
        )  # fmt: skip
    sys.exit(0 if state.is_completed() else 1)


def _parse_option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text} has no value; write strength=0.8")
    return name, yaml.safe_load(value)


if __name__ == "__main__":
    run_main(main)
