"""The work of `stylefuse transfer`."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path

from PIL import Image

from stylefuse.config import Params
from stylefuse.images.open import open_picture
from stylefuse.inference.options import TransferOptions
from stylefuse.models.transfer import TASK
from stylefuse.painting.batch import PLAIN, BatchResult, Delivery, Painter, paint_all
from stylefuse.painting.files import (
    find_pictures,
    output_paths,
    product_paths,
    refuse_overwriting_inputs,
)
from stylefuse.painting.sidecar import Job
from stylefuse.painting.styles import read_styles
from stylefuse.registry.fetch import fetch_model


def transfer(
    contents: Sequence[str],
    styles: Sequence[str],
    out: Path,
    options: TransferOptions,
    model: str | None,
    params: Params,
    each_style: bool = False,
    delivery: Delivery = PLAIN,
) -> BatchResult:
    """Paint pictures in the style of others.

    All files are found before the model is loaded, and the first is opened, so that mistakes are
    told at once.

    Args:
        contents: files, folders or glob patterns.
        styles: `PATH` or `PATH:WEIGHT`, mixed by weight.
        out: a file for one content, or a folder.
        options: the dials.
        model: see `fetch_model`.
        params: tell the registry and the limits.
        each_style: paint every content in every style by itself, into the folder `out`.
        delivery: what is left alone, and what is written beside the pictures.

    Raises:
        UserError: a file or the model is missing, or an output would replace an input.
    """
    most = params.serve.max_pixels
    files = find_pictures(contents)
    given = read_styles(styles, most)
    if each_style:
        mixes, outputs = given.apart(), product_paths(files, given.paths, out)
    else:
        mixes, outputs = [given], output_paths(files, out)
    refuse_overwriting_inputs([*files, *given.paths], outputs)
    dials = asdict(options)
    jobs = [
        Job(
            output,
            dials | {"style_weights": mix.weights},
            {"content": [file], "style": mix.paths},
        )
        for (file, mix), output in zip(product(files, mixes), outputs, strict=True)
    ]

    def read(job: Job) -> Image.Image:
        return open_picture(job.inputs["content"][0], most_pixels=most)

    def load() -> Painter:
        predictor, origin = fetch_model(TASK, model, params)
        codes = {tuple(m.paths): predictor.style_code(m.pictures, m.weights) for m in mixes}

        def paint(job: Job, content: Image.Image) -> Image.Image:
            painted: Image.Image = predictor.transfer(
                content, codes[tuple(job.inputs["style"])], options
            )
            return painted

        return Painter(paint, {"model": origin})

    return paint_all(jobs, read, load, TASK, delivery)
