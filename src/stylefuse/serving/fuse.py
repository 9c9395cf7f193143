"""The work of `stylefuse fuse`."""

from collections.abc import Sequence
from pathlib import Path

from stylefuse.config import Params
from stylefuse.data.pictures import open_picture
from stylefuse.models.transfer import RECIPE
from stylefuse.models.transfer.dials import FusionOptions
from stylefuse.registry.fetch import fetch_artist
from stylefuse.serving.files import keep_inputs, output_paths, save_picture
from stylefuse.serving.styles import read_styles


def fuse(
    a: Path,
    b: Path,
    mask: Path | None,
    styles: Sequence[str],
    out: Path,
    options: FusionOptions,
    model: str | None,
    params: Params,
) -> None:
    """Fuse two pictures into one.

    Args:
        a, b: files; A gives the size.
        mask: a file, white where A shows, for the mode "mask".
        styles: `PATH` or `PATH:WEIGHT`, mixed by weight; where there are any, they replace A's and
            B's own style.
        out: a file, or a folder to which A's name is added.
        options: the dials.
        model: see `fetch_artist`.
        params: tell the registry and the limits.

    Raises:
        UserError: a file or the model is missing, no picture, or would be replaced; or a mask and
            the mode do not fit together.
    """
    most = params.serve.max_pixels
    (output,) = output_paths([a], out)
    given = read_styles(styles, most)
    paths = [a, b] if mask is None else [a, b, mask]
    keep_inputs([*paths, *given.paths], [output])
    pictures = [open_picture(path, most_pixels=most) for path in paths]

    artist = fetch_artist(RECIPE, model, params)
    code = artist.style_code(given.pictures, given.weights) if styles else None
    first, second, *masks = pictures
    fused = artist.fuse(first, second, options, masks[0] if masks else None, code)
    save_picture(fused, output, RECIPE)
