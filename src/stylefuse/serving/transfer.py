"""The work of `stylefuse transfer`: every file is checked first, then painted one by one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.progress import track

from stylefuse.data.pictures import open_picture
from stylefuse.errors import UserError
from stylefuse.serving.files import find_pictures, output_paths, save_picture
from stylefuse.serving.painter import Painter, PaintOptions


@dataclass(frozen=True)
class Job:
    """What to paint, and where to."""

    contents: list[Path]
    outputs: list[Path]  # one for each content
    styles: list[Image.Image]
    weights: list[float]  # one for each style


def plan(contents: Sequence[str], styles: Sequence[str], out: Path, most_pixels: int) -> Job:
    """Find all files and read the styles, so that mistakes are told before a model is loaded.

    Args:
        contents: files, folders or glob patterns.
        styles: `PATH` or `PATH:WEIGHT`.
        out: a file for one content, or a folder.
        most_pixels: a larger picture is refused.

    Raises:
        UserError: a file is missing or no picture, or an output would replace an input.
    """
    found = find_pictures(contents)
    outputs = output_paths(found, out)
    weighted = [parse_style(style) for style in styles]
    inputs = {path.resolve() for path in (*found, *(path for path, _ in weighted))}
    for path in outputs:
        if path.resolve() in inputs:
            raise UserError(f"{path} would be replaced by its own painting; choose another output")
    pictures = [open_picture(path, most_pixels=most_pixels) for path, _ in weighted]
    return Job(found, outputs, pictures, [weight for _, weight in weighted])


def parse_style(text: str) -> tuple[Path, float]:
    """`PATH` or `PATH:WEIGHT` → path and weight (1 when left out); paths may hold colons.

    Raises:
        UserError: there is no such file.
    """
    path, _, weight = text.rpartition(":")
    if not Path(text).exists() and path and Path(path).exists():
        try:
            return Path(path), float(weight)
        except ValueError:
            raise UserError(f"{weight!r} is no weight for the style {path}") from None
    if not Path(text).is_file():
        raise UserError(f"the style {text} is not here; give the path of a picture")
    return Path(text), 1.0


def run(job: Job, painter: Painter, options: PaintOptions) -> None:
    """Paint a job's pictures; one that cannot be painted does not stop the others.

    Raises:
        UserError: lists the pictures that could not be painted.
    """
    code = painter.style_code(job.styles, job.weights)
    pairs = list(zip(job.contents, job.outputs, strict=True))
    wrong = []
    for content, output in track(
        pairs, "painting", console=Console(stderr=True), disable=len(pairs) == 1
    ):
        try:
            picture = open_picture(content, most_pixels=painter.limits.max_pixels)
            save_picture(painter.paint(picture, code, options), output)
        except UserError as error:
            wrong.append(str(error))
    if wrong:
        if len(pairs) > 1:
            wrong.insert(0, f"{len(wrong)} of {len(pairs)} pictures could not be painted:")
        raise UserError("\n  ".join(wrong))
