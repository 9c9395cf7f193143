"""The work of `stylefuse restore`."""

from collections.abc import Sequence
from pathlib import Path

from stylefuse.config import Params
from stylefuse.models.restore import RECIPE, RestoreOptions
from stylefuse.registry.fetch import fetch_artist
from stylefuse.serving.files import find_pictures, keep_inputs, output_paths
from stylefuse.serving.many import paint_files


def restore(
    pictures: Sequence[str], out: Path, options: RestoreOptions, model: str | None, params: Params
) -> None:
    """Restore damaged pictures.

    Args:
        pictures: files, folders or glob patterns.
        out: a file for one picture, or a folder.
        options: the dial.
        model: see `fetch_artist`.
        params: tell the registry and the limits.

    Raises:
        UserError: a file or the model is missing, an output would replace an input, or some
            pictures could not be restored.
    """
    files = find_pictures(pictures)
    outputs = output_paths(files, out)
    keep_inputs(files, outputs)

    artist = fetch_artist(RECIPE, model, params)
    most = params.serve.max_pixels
    paint_files(files, outputs, lambda p: artist.paint({"picture": p}, options), RECIPE, most)
