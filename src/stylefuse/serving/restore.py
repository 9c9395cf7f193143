"""The work of `stylefuse restore`."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from stylefuse.config import Params
from stylefuse.data.pictures import open_picture
from stylefuse.models.restore import RECIPE, RestoreOptions
from stylefuse.registry.fetch import fetch_model
from stylefuse.serving.files import find_pictures, keep_inputs, output_paths
from stylefuse.serving.work import Done, Job, Wanted, carry_out


def restore(
    pictures: Sequence[str],
    wanted: Wanted,
    options: RestoreOptions,
    model: str | None,
    params: Params,
) -> Done:
    """Restore damaged pictures.

    Args:
        pictures: files, folders or glob patterns.
        wanted: a file for one picture, or a folder.
        options: the dial.
        model: see `fetch_model`.
        params: tell the registry and the limits.

    Raises:
        UserError: a file or the model is missing, an output would replace an input, or some
            pictures could not be restored.
    """
    files = find_pictures(pictures)
    outputs = output_paths(files, wanted.out)
    keep_inputs(files, outputs)
    most = params.serve.max_pixels

    def mend(file: Path, artist: Any) -> Image.Image:
        mended: Image.Image = artist.paint({"picture": open_picture(file, None, most)}, options)
        return mended

    pairs = zip(files, outputs, strict=True)
    jobs = [Job(output, [file], {}, partial(mend, file)) for file, output in pairs]
    return carry_out(jobs, wanted, options, partial(fetch_model, RECIPE, model, params))
