"""The work of `stylefuse portrait`."""

from collections.abc import Sequence
from pathlib import Path

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.models import transfer
from stylefuse.models.artist import scaled
from stylefuse.models.portrait import RECIPE, PortraitOptions
from stylefuse.models.transfer.dials import TransferOptions
from stylefuse.registry.fetch import fetch_artist
from stylefuse.serving.files import keep_inputs, save_picture
from stylefuse.serving.many import paint_each
from stylefuse.serving.styles import read_styles

MOST = 10_000  # portraits in a folder
ROOM = 4  # a portrait is scaled up by this before it is painted, or strokes would not fit in


def portrait(
    seeds: range,
    styles: Sequence[str],
    out: Path,
    options: PortraitOptions,
    model: str | None,
    params: Params,
) -> None:
    """Invent portraits, and paint them in the style of others where some are given.

    Args:
        seeds: one for each portrait.
        styles: `PATH` or `PATH:WEIGHT`, mixed by weight, for the default transfer model.
        out: a folder.
        options: the dials.
        model: see `fetch_artist`.
        params: tell the registry and the limits.

    Raises:
        UserError: a file or a model is missing, an output would replace a style, or some portraits
            could not be painted.
    """
    if not seeds:
        raise UserError("a count must be at least 1")
    if seeds[-1] - seeds[0] >= MOST:
        raise UserError(f"at most {MOST:,} portraits can be invented at a time")
    if out.is_file():
        raise UserError(f"portraits need a folder to go to, and {out} is a file")
    outputs = {seed: out / f"portrait-{seed:08d}.png" for seed in seeds}
    given = read_styles(styles, params.serve.max_pixels)
    keep_inputs(given.paths, outputs.values())

    artist = fetch_artist(RECIPE, model, params)
    if styles:
        painter = fetch_artist(transfer.RECIPE, None, params)
        code = painter.style_code(given.pictures, given.weights)

    def paint(seed: int) -> None:
        picture = artist.paint({"seed": seed}, options)
        if styles:
            enlarged = scaled(picture, ROOM)
            picture = painter.transfer(enlarged, code, TransferOptions())
        save_picture(picture, outputs[seed], RECIPE)

    paint_each(seeds, paint)
