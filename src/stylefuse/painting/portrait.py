"""The work of `stylefuse portrait`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.images.resize import scaled
from stylefuse.inference.options import PortraitOptions, TransferOptions
from stylefuse.models import transfer
from stylefuse.models.portrait import TASK
from stylefuse.painting.batch import PLAIN, BatchResult, Delivery, Painter, paint_all
from stylefuse.painting.files import refuse_overwriting_inputs
from stylefuse.painting.sidecar import Job
from stylefuse.painting.styles import read_styles
from stylefuse.registry.fetch import fetch_model

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
) -> BatchResult:
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
    refuse_overwriting_inputs(given.paths, [job.output for job in jobs])

    def load() -> Painter:
        predictor, origin = fetch_model(TASK, model, params)

        def invent(job: Job, _: None = None) -> Image.Image:
            portrait: Image.Image = predictor.paint({"seed": job.seed}, options)
            return portrait

        if not styles:
            return Painter(invent, {"model": origin})
        painter, of_painter = fetch_model(transfer.TASK, None, params)
        code = painter.style_code(given.pictures, given.weights)

        def paint(job: Job, _: None) -> Image.Image:
            enlarged = scaled(invent(job), ROOM)
            painted: Image.Image = painter.transfer(enlarged, code, TransferOptions())
            return painted

        return Painter(paint, {"model": origin, "painter": of_painter})

    return paint_all(jobs, lambda _: None, load, TASK, delivery)
