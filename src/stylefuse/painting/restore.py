"""The work of `stylefuse restore`."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from PIL import Image

from stylefuse.config import Params
from stylefuse.images.open import open_picture
from stylefuse.inference.options import RestoreOptions
from stylefuse.models.restore import TASK
from stylefuse.painting.batch import PLAIN, BatchResult, Delivery, Painter, paint_all
from stylefuse.painting.files import find_pictures, output_paths, refuse_overwriting_inputs
from stylefuse.painting.sidecar import Job
from stylefuse.registry.fetch import fetch_model


def restore(
    pictures: Sequence[str],
    out: Path,
    options: RestoreOptions,
    model: str | None,
    params: Params,
    delivery: Delivery = PLAIN,
) -> BatchResult:
    """Restore damaged pictures.

    Args:
        pictures: files, folders or glob patterns.
        out: a file for one picture, or a folder.
        options: the dial.
        model: see `fetch_model`.
        params: tell the registry and the limits.
        delivery: what is left alone, and what is written beside the pictures.

    Raises:
        UserError: a file or the model is missing, or an output would replace an input.
    """
    files = find_pictures(pictures)
    outputs = output_paths(files, out)
    refuse_overwriting_inputs(files, outputs)
    dials = asdict(options)
    jobs = [
        Job(output, dials, {"picture": [file]}) for file, output in zip(files, outputs, strict=True)
    ]

    def read(job: Job) -> Image.Image:
        return open_picture(job.inputs["picture"][0], most_pixels=params.serve.max_pixels)

    def load() -> Painter:
        predictor, origin = fetch_model(TASK, model, params)

        def paint(_: Job, degraded: Image.Image) -> Image.Image:
            mended: Image.Image = predictor.paint({"picture": degraded}, options)
            return mended

        return Painter(paint, {"model": origin})

    return paint_all(jobs, read, load, TASK, delivery)
