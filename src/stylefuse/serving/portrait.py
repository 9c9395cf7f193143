"""The work of `stylefuse portrait`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.models import transfer
from stylefuse.models.artist import scaled
from stylefuse.models.portrait import RECIPE, PortraitOptions
from stylefuse.models.transfer.dials import TransferOptions
from stylefuse.registry.fetch import fetch_model
from stylefuse.serving.files import keep_inputs
from stylefuse.serving.many import PLAIN, Delivery, Painted, Painter, paint_all
from stylefuse.serving.record import Job
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
    delivery: Delivery = PLAIN,
) -> Painted:
    """Invent portraits, and paint them in the style of others where some are given.

    Args:
        seeds: one for each portrait.
        styles: `PATH` or `PATH:WEIGHT`, mixed by weight, for the default transfer model.
        out: a folder.
        options: the dials.
        model: see `fetch_model`.
        params: tell the registry and the limits.
        delivery: what is left alone, and what is written beside the pictures.

    Raises:
        UserError: a file or a model is missing, or an output would replace a style.
    """
    if not seeds:
        raise UserError("a count must be at least 1")
    if seeds[-1] - seeds[0] >= MOST:
        raise UserError(f"at most {MOST:,} portraits can be invented at a time")
    if out.is_file():
        raise UserError(f"portraits need a folder to go to, and {out} is a file")
    given = read_styles(styles, params.serve.max_pixels)
    dials: dict[str, Any] = asdict(options)
    if styles:
        dials["style_weights"] = given.weights
    inputs = {"style": given.paths} if styles else {}
    jobs = [Job(out / f"portrait-{seed:08d}.png", dials, inputs, seed) for seed in seeds]
    keep_inputs(given.paths, [job.output for job in jobs])

    def load() -> Painter:
        artist, origin = fetch_model(RECIPE, model, params)

        def invent(job: Job, _: None = None) -> Image.Image:
            portrait: Image.Image = artist.paint({"seed": job.seed}, options)
            return portrait

        if not styles:
            return Painter(invent, {"model": origin})
        painter, of_painter = fetch_model(transfer.RECIPE, None, params)
        code = painter.style_code(given.pictures, given.weights)

        def paint(job: Job, _: None) -> Image.Image:
            enlarged = scaled(invent(job), ROOM)
            painted: Image.Image = painter.transfer(enlarged, code, TransferOptions())
            return painted

        return Painter(paint, {"model": origin, "painter": of_painter})

    return paint_all(jobs, lambda _: None, load, RECIPE, delivery)
