"""The work of `stylefuse transfer`."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from stylefuse.config import Params
from stylefuse.data.pictures import open_picture
from stylefuse.models.transfer import RECIPE
from stylefuse.models.transfer.dials import TransferOptions
from stylefuse.registry.fetch import fetch_model
from stylefuse.serving.files import find_pictures, folder_for, keep_inputs, output_paths
from stylefuse.serving.styles import Styles, read_styles
from stylefuse.serving.work import Done, Job, Wanted, carry_out


def transfer(
    contents: Sequence[str],
    styles: Sequence[str],
    wanted: Wanted,
    options: TransferOptions,
    model: str | None,
    params: Params,
    each_style: bool = False,
) -> Done:
    """Paint pictures in the style of others.

    All files are found before the model is loaded, so that mistakes are told at once.

    Args:
        contents: files, folders or glob patterns.
        styles: `PATH` or `PATH:WEIGHT`, mixed by weight.
        wanted: a file for one content, or a folder.
        options: the dials.
        model: see `fetch_model`.
        params: tell the registry and the limits.
        each_style: paint every content in every style, into `CONTENT--STYLE.png`.

    Raises:
        UserError: a file or the model is missing, an output would replace an input, or some
            pictures could not be painted.
    """
    most = params.serve.max_pixels
    files = find_pictures(contents)
    given = read_styles(styles, most)
    if each_style:
        jobs = list(_product(files, given, wanted.out, options, most))
    else:
        outputs = output_paths(files, wanted.out)
        pairs = zip(files, outputs, strict=True)
        jobs = [_job(file, given, output, options, most) for file, output in pairs]
    keep_inputs([*files, *given.paths], [job.output for job in jobs])
    return carry_out(jobs, wanted, options, partial(fetch_model, RECIPE, model, params))


def _product(
    files: Sequence[Path], given: Styles, out: Path, options: TransferOptions, most: int
) -> Iterator[Job]:
    folder_for(len(files) * len(given.paths), out)
    for file in files:
        for path, picture in zip(given.paths, given.pictures, strict=True):
            output = out / f"{file.stem}--{path.stem}.png"
            yield _job(file, Styles([path], [picture], [1.0]), output, options, most)


def _job(file: Path, styles: Styles, output: Path, options: TransferOptions, most: int) -> Job:
    def paint(artist: Any) -> Image.Image:
        content = open_picture(file, most_pixels=most)
        code = artist.style_code(styles.pictures, styles.weights)
        painted: Image.Image = artist.transfer(content, code, options)
        return painted

    return Job(output, [file, *styles.paths], {"style_weights": styles.weights}, paint)
