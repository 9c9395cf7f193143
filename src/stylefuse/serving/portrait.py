"""The work of `stylefuse portrait`."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from PIL import Image

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.models import transfer
from stylefuse.models.artist import scaled
from stylefuse.models.portrait import RECIPE, PortraitOptions
from stylefuse.models.transfer.dials import TransferOptions
from stylefuse.registry.fetch import fetch_model
from stylefuse.serving.files import folder_for, keep_inputs
from stylefuse.serving.styles import Styles, read_styles
from stylefuse.serving.work import Done, Job, Wanted, carry_out

MOST = 10_000  # portraits in a folder
ROOM = 4  # a portrait is scaled up by this before it is painted, or strokes would not fit in


def portrait(
    seeds: range,
    styles: Sequence[str],
    wanted: Wanted,
    options: PortraitOptions,
    model: str | None,
    params: Params,
) -> Done:
    """Invent portraits, and paint them in the style of others where some are given.

    Args:
        seeds: one for each portrait.
        styles: `PATH` or `PATH:WEIGHT`, mixed by weight, for the default transfer model.
        wanted: a folder.
        options: the dials.
        model: see `fetch_model`.
        params: tell the registry and the limits.

    Raises:
        UserError: a file or a model is missing, an output would replace a style, or some portraits
            could not be painted.
    """
    if not seeds:
        raise UserError("a count must be at least 1")
    if seeds[-1] - seeds[0] >= MOST:
        raise UserError(f"at most {MOST:,} portraits can be invented at a time")
    folder_for(len(seeds), wanted.out)
    outputs = {seed: wanted.out / f"portrait-{seed:08d}.png" for seed in seeds}
    given = read_styles(styles, params.serve.max_pixels)
    keep_inputs(given.paths, outputs.values())
    finish = _painter(given, params) if styles else lambda picture: picture

    def invent(seed: int, artist: Any) -> Image.Image:
        return finish(artist.paint({"seed": seed}, options))

    told = {"style_weights": given.weights}
    jobs = [
        Job(output, given.paths, {"seed": seed, **told}, partial(invent, seed))
        for seed, output in outputs.items()
    ]
    return carry_out(jobs, wanted, options, partial(fetch_model, RECIPE, model, params))


def _painter(given: Styles, params: Params):
    """Paints portraits in a style, with the default transfer model."""
    artist = fetch_model(transfer.RECIPE, None, params).artist
    code = artist.style_code(given.pictures, given.weights)
    return lambda picture: artist.transfer(scaled(picture, ROOM), code, TransferOptions())
