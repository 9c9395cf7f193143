"""The work of `stylefuse transfer`."""

from collections.abc import Sequence
from dataclasses import asdict
from itertools import product
from pathlib import Path

from PIL import Image

from stylefuse.config import Params
from stylefuse.data.pictures import open_picture
from stylefuse.models.transfer import RECIPE
from stylefuse.models.transfer.dials import TransferOptions
from stylefuse.registry.fetch import fetch_model
from stylefuse.serving.files import find_pictures, keep_inputs, output_paths, product_paths
from stylefuse.serving.many import PLAIN, Delivery, Painted, Painter, paint_all
from stylefuse.serving.record import Job
from stylefuse.serving.styles import read_styles


def transfer(
    contents: Sequence[str],
    styles: Sequence[str],
    out: Path,
    options: TransferOptions,
    model: str | None,
    params: Params,
    each_style: bool = False,
    delivery: Delivery = PLAIN,
) -> Painted:
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
    keep_inputs([*files, *given.paths], outputs)
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
        artist, origin = fetch_model(RECIPE, model, params)
        codes = {tuple(m.paths): artist.style_code(m.pictures, m.weights) for m in mixes}

        def paint(job: Job, content: Image.Image) -> Image.Image:
            painted: Image.Image = artist.transfer(
                content, codes[tuple(job.inputs["style"])], options
            )
            return painted

        return Painter(paint, {"model": origin})

    return paint_all(jobs, read, load, RECIPE, delivery)
