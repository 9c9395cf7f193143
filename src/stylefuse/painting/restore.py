"""`stylefuse restore`: restore degraded photographs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from PIL import Image

from stylefuse.images.open import open_picture
from stylefuse.inference.options import RestoreOptions
from stylefuse.inference.steps import PaintingStep
from stylefuse.painting.batch import (
    DEFAULT_OUTPUT,
    BatchResult,
    ModelLoader,
    OutputOptions,
    Painter,
    paint_all,
)
from stylefuse.painting.files import (
    find_pictures,
    output_paths,
    refuse_oversized,
    refuse_overwriting_inputs,
)
from stylefuse.painting.job import Job


def restore_pictures(
    pictures: Sequence[str],
    out: Path,
    options: RestoreOptions,
    load_model: ModelLoader,
    output: OutputOptions = DEFAULT_OUTPUT,
    mask: Path | None = None,
) -> BatchResult:
    """Restore degraded pictures.

    Args:
        pictures: files, folders or glob patterns.
        out: a file for one picture, else a folder.
        options: of the restoration.
        load_model: loads a restoration model.
        output: what is skipped, and what is written.
        mask: a picture file, white where pictures are filled and restored; None restores all.

    Raises:
        UserError: a file or the model is missing, or an output would replace an input.
    """
    paths = find_pictures(pictures)
    outputs = output_paths(paths, out)
    masks = {"mask": mask} if mask else {}
    refuse_overwriting_inputs([*paths, *masks.values()], outputs)
    jobs = [
        Job(
            output_path,
            asdict(options),
            {"picture": [path], **{name: [file] for name, file in masks.items()}},
            photograph=path,
        )
        for path, output_path in zip(paths, outputs, strict=True)
    ]

    def read(job: Job) -> dict[str, Image.Image]:
        pictures = {name: open_picture(files[0]) for name, files in job.inputs.items()}
        width, height = pictures["picture"].size
        refuse_oversized(job.output, (options.scale * width, options.scale * height))
        return pictures

    def load() -> Painter:
        predictor, origin = load_model()

        def paint(_: Job, pictures: dict[str, Image.Image]) -> Iterator[PaintingStep]:
            steps: Iterator[PaintingStep] = predictor.steps(pictures, options)
            return steps

        return Painter(paint, {"model": origin}, predictor.picture_origin())

    return paint_all(jobs, read, load, output)
