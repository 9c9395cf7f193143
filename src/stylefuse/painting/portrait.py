"""`stylefuse portrait`: generate portraits of people who do not exist."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from stylefuse.errors import UserError
from stylefuse.images.resize import rescale
from stylefuse.inference.options import PortraitOptions, TransferOptions
from stylefuse.inference.steps import PaintingStep
from stylefuse.painting.batch import (
    DEFAULT_OUTPUT,
    BatchResult,
    ModelLoader,
    OutputOptions,
    Painter,
    paint_all,
)
from stylefuse.painting.files import refuse_overwriting_inputs
from stylefuse.painting.job import Job
from stylefuse.painting.styles import read_styles

MAX_PORTRAITS = 10_000  # in one call
STYLED_SCALE = 4  # enlargement before a style is painted, because strokes do not fit in 64×64


def generate_portraits(
    seeds: range,
    styles: Sequence[str],
    out: Path,
    options: PortraitOptions,
    load_model: ModelLoader,
    load_transfer_model: ModelLoader,
    output: OutputOptions = DEFAULT_OUTPUT,
) -> BatchResult:
    """Generate portraits, and paint them in the style of pictures if some are given.

    Args:
        seeds: one per portrait.
        styles: `PATH` or `PATH:WEIGHT`, mixed by weight.
        out: a folder.
        options: of the generation.
        load_model: loads a portrait model.
        load_transfer_model: loads the transfer model that paints the styles; it is called only if
            there are styles.
        output: what is skipped, and what is written.

    Raises:
        UserError: a file or a model is missing, or an output would replace a style.
    """
    _check_count(seeds.stop - seeds.start)  # `len` overflows for a huge range
    if out.is_file():
        raise UserError(
            f"portraits are written into a folder, and {out} is a file; name a folder",
            code="output-not-a-folder",
        )
    style_mix = read_styles(styles)
    recorded_options: dict[str, Any] = asdict(options)
    inputs = {}
    if styles:
        recorded_options["style_weights"] = style_mix.weights
        inputs["style"] = style_mix.paths
    jobs = [Job(out / f"portrait-{seed:08d}.png", recorded_options, inputs, seed) for seed in seeds]
    refuse_overwriting_inputs(style_mix.paths, [job.output for job in jobs])

    def load() -> Painter:
        predictor, origin = load_model()

        def generate(job: Job, _: None) -> Iterator[PaintingStep]:
            steps: Iterator[PaintingStep] = predictor.steps({"seed": job.seed}, options)
            return steps

        if not styles:
            return Painter(generate, {"model": origin}, predictor.picture_origin())
        transfer, transfer_origin = load_transfer_model()
        style = style_mix.mix(transfer)

        def generate_styled(job: Job, _: None) -> Iterator[PaintingStep]:
            portrait = rescale(predictor.paint({"seed": job.seed}, options), STYLED_SCALE)
            steps: Iterator[PaintingStep] = transfer.transfer_steps(
                portrait, style, TransferOptions()
            )
            return steps

        models = {"model": origin, "painter": transfer_origin}
        return Painter(generate_styled, models, predictor.picture_origin())

    return paint_all(jobs, lambda _: None, load, output)


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_PORTRAITS:
        raise UserError(
            f"the count must be at least 1 and at most {MAX_PORTRAITS:,}, not {count:,}",
            code="option-out-of-range",
        )
