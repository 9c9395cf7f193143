"""`stylefuse fuse`: fuse two pictures into one."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from stylefuse.images.open import open_picture
from stylefuse.inference.options import FusionOptions
from stylefuse.inference.steps import PaintingStep
from stylefuse.painting.batch import (
    DEFAULT_OUTPUT,
    BatchResult,
    ModelLoader,
    OutputOptions,
    Painter,
    paint_all,
)
from stylefuse.painting.files import output_paths, refuse_oversized, refuse_overwriting_inputs
from stylefuse.painting.job import Job
from stylefuse.painting.styles import read_styles


def fuse_pictures(
    a: Path,
    b: Path,
    mask: Path | None,
    styles: Sequence[str],
    out: Path,
    options: FusionOptions,
    load_model: ModelLoader,
    output: OutputOptions = DEFAULT_OUTPUT,
) -> BatchResult:
    """Fuse two pictures into one.

    Args:
        a: the first picture's file; the result has its size.
        b: the second picture's file.
        mask: a picture file, white where A shows, for the mode "mask".
        styles: `PATH` or `PATH:WEIGHT`, mixed by weight; if there are any, they replace the styles
            of A and B.
        out: a file, or a folder for a file of A's name.
        options: of the fusion.
        load_model: loads a transfer model.
        output: what is skipped, and what is written.

    Raises:
        UserError: a file or the model is missing, a file is not a picture, or the output would
            replace an input.
    """
    options.check_mask(mask is not None)
    (output_path,) = output_paths([a], out)
    style_mix = read_styles(styles)
    files = {"a": a, "b": b} | ({"mask": mask} if mask else {})
    refuse_overwriting_inputs([*files.values(), *style_mix.paths], [output_path])
    recorded_options: dict[str, Any] = asdict(options)
    inputs = {name: [path] for name, path in files.items()}
    if styles:
        recorded_options["style_weights"] = style_mix.weights
        inputs["style"] = style_mix.paths
    job = Job(output_path, recorded_options, inputs, photograph=a)

    def read(_: Job) -> dict[str, Image.Image]:
        pictures = {name: open_picture(path) for name, path in files.items()}
        refuse_oversized(job.output, pictures["a"].size)
        return pictures

    def load() -> Painter:
        predictor, origin = load_model()
        style = style_mix.mix(predictor) if styles else None

        def paint(_: Job, pictures: dict[str, Image.Image]) -> Iterator[PaintingStep]:
            steps: Iterator[PaintingStep] = predictor.fuse_steps(
                pictures["a"], pictures["b"], options, pictures.get("mask"), style
            )
            return steps

        return Painter(paint, {"model": origin}, predictor.picture_origin())

    return paint_all([job], read, load, output)
