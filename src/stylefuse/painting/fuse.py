"""The work of `stylefuse fuse`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from stylefuse.config import Params
from stylefuse.images.open import open_picture
from stylefuse.inference.options import FusionOptions
from stylefuse.models.transfer import TASK
from stylefuse.painting.batch import PLAIN, BatchResult, Delivery, Painter, paint_all
from stylefuse.painting.files import output_paths, refuse_overwriting_inputs
from stylefuse.painting.sidecar import Job
from stylefuse.painting.styles import read_styles
from stylefuse.registry.fetch import fetch_model


def fuse(
    a: Path,
    b: Path,
    mask: Path | None,
    styles: Sequence[str],
    out: Path,
    options: FusionOptions,
    model: str | None,
    params: Params,
    delivery: Delivery = PLAIN,
) -> BatchResult:
    """Fuse two pictures into one.

    Args:
        a, b: files; A gives the size.
        mask: a file, white where A shows, for the mode "mask".
        styles: `PATH` or `PATH:WEIGHT`, mixed by weight; where there are any, they replace A's and
            B's own style.
        out: a file, or a folder to which A's name is added.
        options: the dials.
        model: see `fetch_model`.
        params: tell the registry and the limits.
        delivery: what is left alone, and what is written beside the picture.

    Raises:
        UserError: a file or the model is missing, no picture, or would be replaced.
    """
    most = params.serve.max_pixels
    options.check_mask(mask is not None)
    (output,) = output_paths([a], out)
    given = read_styles(styles, most)
    files = {"a": a, "b": b} | ({"mask": mask} if mask else {})
    refuse_overwriting_inputs([*files.values(), *given.paths], [output])
    dials: dict[str, Any] = asdict(options)
    inputs = {name: [path] for name, path in files.items()}
    if styles:
        dials["style_weights"] = given.weights
        inputs["style"] = given.paths
    job = Job(output, dials, inputs)

    def read(_: Job) -> dict[str, Image.Image]:
        return {name: open_picture(path, most_pixels=most) for name, path in files.items()}

    def load() -> Painter:
        predictor, origin = fetch_model(TASK, model, params)
        code = predictor.style_code(given.pictures, given.weights) if styles else None

        def paint(_: Job, held: dict[str, Image.Image]) -> Image.Image:
            fused: Image.Image = predictor.fuse(
                held["a"], held["b"], options, held.get("mask"), code
            )
            return fused

        return Painter(paint, {"model": origin})

    return paint_all([job], read, load, TASK, delivery)
