"""The painting commands as functions of files, for a project's folder as working directory."""

from functools import cache
from pathlib import Path

from stylefuse.inference.options import (
    FusionOptions,
    PortraitOptions,
    RestoreOptions,
    TransferOptions,
)
from stylefuse.loading import load_model
from stylefuse.painting.batch import DEFAULT_OUTPUT
from stylefuse.painting.fuse import fuse_pictures
from stylefuse.painting.portrait import generate_portraits
from stylefuse.painting.restore import restore_pictures
from stylefuse.painting.transfer import transfer_style
from stylefuse.painting.video import paint_video


@cache
def _load(name, location, _):
    return load_model(name, location)


def loader(name, location=None):
    """Loads a model once per process and folder."""
    return lambda: _load(name, location, Path("models").resolve())


def transfer(
    styles, out, contents=("photos",), model=None, each_style=False, output=DEFAULT_OUTPUT,
    **options,
):  # fmt: skip
    load, options = loader("transfer", model), TransferOptions(**options)
    return transfer_style(contents, styles, Path(out), options, load, each_style, output)


def fuse(a, b, out, mask=None, styles=(), output=DEFAULT_OUTPUT, **options):
    load, options = loader("transfer"), FusionOptions(**options)
    files = Path(a), Path(b), mask and Path(mask)
    return fuse_pictures(*files, styles, Path(out), options, load, output)


def restore(out, pictures=("photos",), strength=1.0, output=DEFAULT_OUTPUT):
    return restore_pictures(
        pictures, Path(out), RestoreOptions(strength), loader("restore"), output
    )


def portraits(out, seeds=range(3, 5), styles=(), output=DEFAULT_OUTPUT, **options):
    loaders, options = (loader("portrait"), loader("transfer")), PortraitOptions(**options)
    return generate_portraits(seeds, styles, Path(out), options, *loaders, output)


def video(source, out, **options):
    load, options = loader("transfer"), TransferOptions(**options)
    paint_video(Path(source), ["style.png"], Path(out), options, load)
