"""The work of `stylefuse fuse`."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

from stylefuse.config import Params
from stylefuse.data.pictures import open_picture
from stylefuse.models.transfer import RECIPE
from stylefuse.models.transfer.dials import FusionOptions
from stylefuse.registry.fetch import fetch_model
from stylefuse.serving.files import keep_inputs, output_paths
from stylefuse.serving.styles import read_styles
from stylefuse.serving.work import Done, Job, Wanted, carry_out


def fuse(
    a: Path,
    b: Path,
    mask: Path | None,
    styles: Sequence[str],
    wanted: Wanted,
    options: FusionOptions,
    model: str | None,
    params: Params,
) -> Done:
    """Fuse two pictures into one.

    Args:
        a, b: files; A gives the size.
        mask: a file, white where A shows, for the mode "mask".
        styles: `PATH` or `PATH:WEIGHT`, mixed by weight; where there are any, they replace A's and
            B's own style.
        wanted: a file, or a folder to which A's name is added.
        options: the dials.
        model: see `fetch_model`.
        params: tell the registry and the limits.

    Raises:
        UserError: a file or the model is missing, no picture, or would be replaced; or a mask and
            the mode do not fit together.
    """
    most = params.serve.max_pixels
    (output,) = output_paths([a], wanted.out)
    given = read_styles(styles, most)
    paths = [a, b] if mask is None else [a, b, mask]
    keep_inputs([*paths, *given.paths], [output])
    first, second, *masks = [open_picture(path, most_pixels=most) for path in paths]

    def paint(artist: Any) -> Image.Image:
        code = artist.style_code(given.pictures, given.weights) if styles else None
        fused: Image.Image = artist.fuse(first, second, options, masks[0] if masks else None, code)
        return fused

    job = Job(output, [*paths, *given.paths], {"style_weights": given.weights}, paint)
    return carry_out([job], wanted, options, partial(fetch_model, RECIPE, model, params))
