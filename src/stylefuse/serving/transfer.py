"""The work of `stylefuse transfer`."""

from collections.abc import Sequence
from pathlib import Path

from stylefuse.config import Params
from stylefuse.models.transfer import RECIPE
from stylefuse.models.transfer.dials import TransferOptions
from stylefuse.registry.fetch import fetch_artist
from stylefuse.serving.files import find_pictures, keep_inputs, output_paths
from stylefuse.serving.many import paint_files
from stylefuse.serving.styles import read_styles


def transfer(
    contents: Sequence[str],
    styles: Sequence[str],
    out: Path,
    options: TransferOptions,
    model: str | None,
    params: Params,
) -> None:
    """Paint pictures in the style of others.

    All files are found before the model is loaded, so that mistakes are told at once.

    Args:
        contents: files, folders or glob patterns.
        styles: `PATH` or `PATH:WEIGHT`, mixed by weight.
        out: a file for one content, or a folder.
        options: the dials.
        model: see `fetch_artist`.
        params: tell the registry and the limits.

    Raises:
        UserError: a file or the model is missing, an output would replace an input, or some
            pictures could not be painted.
    """
    most = params.serve.max_pixels
    files = find_pictures(contents)
    outputs = output_paths(files, out)
    given = read_styles(styles, most)
    keep_inputs([*files, *given.paths], outputs)

    artist = fetch_artist(RECIPE, model, params)
    code = artist.style_code(given.pictures, given.weights)
    paint_files(files, outputs, lambda p: artist.transfer(p, code, options), RECIPE, most)
