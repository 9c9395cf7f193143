"""Argument types and arguments that several commands share.

Nothing here or in the command modules imports NumPy, Keras or MLflow before a command runs, so that
`--help` answers at once.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stylefuse.errors import printable
from stylefuse.inference.options import QUALITIES, STROKE_SIZE, Names

if TYPE_CHECKING:
    from stylefuse.painting.batch import OutputOptions

Subparsers = argparse._SubParsersAction


def share(text: str) -> float:
    """The type of an argument from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, not {text}")
    return value


def names(text: str) -> Names:
    """The type of an argument with names, separated by commas."""
    return Names(name.strip() for name in text.split(","))


def model_name(text: str) -> str:
    """The type of a model's name: as in `params.yaml`, or as in the registry."""
    return text.removeprefix("stylefuse-")


def pattern(text: str) -> str:
    """The type of an argument that may be a file, a folder or a glob pattern."""
    return text


def model_location(text: str) -> str:
    """The type of a model's location: a folder, or a version in the registry."""
    return text


def output_path(text: str) -> Path:
    """The type of an output, a file or a folder."""
    if not text:  # would be the working folder
        raise argparse.ArgumentTypeError("must name a file or a folder, and is empty")
    return Path(text)


def add_model_name(command: argparse.ArgumentParser) -> None:
    """Add the argument MODEL."""
    command.add_argument("name", metavar="MODEL", type=model_name, help="a name in params.yaml")


def add_model_names(command: argparse.ArgumentParser) -> None:
    """Add the argument MODEL, which may be given several times or not at all."""
    command.add_argument(
        "names", nargs="*", metavar="MODEL", type=model_name,
        help="names in params.yaml (default: all)",
    )  # fmt: skip


def add_model_location(command: argparse.ArgumentParser, name: str) -> None:
    """Add `--model` for a command that uses a model called `name`."""
    command.add_argument(
        "--model", type=model_location,
        help="a folder or models:/NAME@ALIAS (default: the champion; without one models/"
        f"{name}, or else the shipped models/base/{name})",
    )  # fmt: skip


def add_styles(command: argparse.ArgumentParser, help: str, required: bool = False) -> None:
    """Add `--style`."""
    command.add_argument(
        "--style", type=pattern, action="append", default=[], required=required,
        metavar="PICTURE[:WEIGHT]",
        help=f"{help}; may be given several times, and may be a folder, a glob pattern, or the "
        "name of a shipped style (see `stylefuse style list`)",
    )  # fmt: skip


def add_stroke_size(command: argparse.ArgumentParser) -> None:
    """Add `--stroke-size`."""
    command.add_argument(
        "--stroke-size", type=float, metavar="SHARE", default=STROKE_SIZE,
        help="width of brush strokes as a share of the picture's longer side; smaller ones take "
        "longer (default: %(default)s, what a picture of 512 pixels shows)",
    )  # fmt: skip


def add_quality(command: argparse.ArgumentParser) -> None:
    """Add `--quality`."""
    command.add_argument(
        "--quality", choices=QUALITIES, default="painted",
        help="fast takes about a second for a picture; painted goes on from there until the "
        "strokes are the style's, in at most a minute on two cores (default: %(default)s)",
    )  # fmt: skip


def add_output(command: argparse.ArgumentParser, help: str, required: bool = True) -> None:
    """Add `--out`."""
    command.add_argument(
        "-o", "--out", type=output_path, required=required,
        help=f"{help}; missing folders are created, existing files are replaced",
    )  # fmt: skip


def add_output_options(command: argparse.ArgumentParser, several: bool = True) -> None:
    """Add `--sidecar`, `--strip`, `--background` and `--json`; for a command that writes several
    pictures, also `--skip-existing`."""
    if several:
        command.add_argument(
            "--skip-existing", action="store_true", help="skip pictures whose output exists"
        )
    command.add_argument(
        "--sidecar", action="store_true",
        help="write a file NAME.json beside each picture that says what it was made with",
    )  # fmt: skip
    command.add_argument(
        "--strip", action="store_true",
        help="drop the photograph's date, camera, author and resolution",
    )  # fmt: skip
    command.add_argument(
        "--background", type=colour, metavar="COLOUR", default="white",
        help="of transparent pictures in JPEG: a name or #rrggbb (default: %(default)s)",
    )  # fmt: skip
    add_json(command)


def colour(text: str) -> tuple[int, int, int]:
    """The type of a colour's name."""
    from PIL import ImageColor

    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a colour; use #rrggbb") from None
    return red, green, blue


def output_options(args: argparse.Namespace) -> "OutputOptions":
    """The options that `add_output_options` added."""
    from stylefuse.painting.batch import OutputOptions

    skip_existing = getattr(args, "skip_existing", False)
    return OutputOptions(skip_existing, args.sidecar, args.strip, args.background)


def add_json(command: argparse.ArgumentParser) -> None:
    """Add `--json`."""
    command.add_argument(
        "--json", action="store_true", help="print one JSON document, for programs"
    )


def print_json(document: dict[str, Any]) -> None:
    """Print what a command with `--json` has to say."""
    sys.stdout.write(json.dumps(document, indent=1, sort_keys=True) + "\n")


def print_text(text: str) -> None:
    """Print a text, which may hold what others wrote into the registry."""
    _write(printable(text))


def print_path(path: Path) -> None:
    """Print the path of an output; a terminal gets its control characters escaped."""
    _write(f"{printable(str(path)) if sys.stdout.isatty() else path}\n")


def _write(text: str) -> None:
    """Write to stdout; what its encoding does not have is escaped."""
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
