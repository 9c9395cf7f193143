"""`stylefuse transfer`: paint pictures in the style of others."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path

from PIL import Image

from stylefuse.images.open import open_picture
from stylefuse.inference.options import TransferOptions
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
    product_paths,
    refuse_oversized,
    refuse_overwriting_inputs,
)
from stylefuse.painting.job import Job
from stylefuse.painting.styles import read_styles


def transfer_style(
    contents: Sequence[str],
    styles: Sequence[str],
    out: Path,
    options: TransferOptions,
    load_model: ModelLoader,
    each_style: bool = False,
    output: OutputOptions = DEFAULT_OUTPUT,
) -> BatchResult:
    """Paint pictures in the style of others.

    All files are found and the first content is opened before the model is loaded, so that
    mistakes are reported at once.

    Args:
        contents: files, folders or glob patterns.
        styles: `PATH` or `PATH:WEIGHT`, mixed by weight.
        out: a file for one content, else a folder.
        options: of the transfer.
        load_model: loads a transfer model.
        each_style: paint every content in every style by itself, into the folder `out`.
        output: what is skipped, and what is written.

    Raises:
        UserError: a file or the model is missing, or an output would replace an input.
    """
    content_paths = find_pictures(contents)
    all_styles = read_styles(styles)
    if each_style:
        mixes = all_styles.split()
        outputs = product_paths(content_paths, all_styles.paths, out)
    else:
        mixes, outputs = [all_styles], output_paths(content_paths, out)
    refuse_overwriting_inputs([*content_paths, *all_styles.paths], outputs)
    jobs = [
        Job(
            output_path,
            asdict(options) | {"style_weights": mix.weights},
            {"content": [content], "style": mix.paths},
            photograph=content,
        )
        for (content, mix), output_path in zip(product(content_paths, mixes), outputs, strict=True)
    ]

    def read(job: Job) -> Image.Image:
        picture = open_picture(job.inputs["content"][0])
        refuse_oversized(job.output, _output_size(picture.size, options.size))
        return picture

    def load() -> Painter:
        predictor, origin = load_model()
        painted_in = {tuple(m.paths): m.mix(predictor) for m in mixes}

        def paint(job: Job, content: Image.Image) -> Iterator[PaintingStep]:
            style = painted_in[tuple(job.inputs["style"])]
            steps: Iterator[PaintingStep] = predictor.transfer_steps(content, style, options)
            return steps

        return Painter(paint, {"model": origin}, predictor.picture_origin())

    return paint_all(jobs, read, load, output)


def _output_size(size: tuple[int, int], longer: int) -> tuple[int, int]:
    """Width and height of the output for a content of a size; 0 keeps the content's own."""
    if not longer:
        return size
    width, height = (max(1, side * longer // max(size)) for side in size)
    return width, height
