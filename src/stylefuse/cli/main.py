"""The command line: what may be typed.

What the commands do is in `commands`; nothing here is slow to import, so that help is immediate.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from stylefuse import __version__
from stylefuse.cli import commands
from stylefuse.errors import run_main

# as in `models.transfer.dials`, which would bring NumPy
PRESERVE = ("none", "luminance", "match")
MODES = ("auto", "saliency", "mask", "scalar")


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, and where there is help."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; see `{self.prog} --help`\n")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `stylefuse`; a user's mistake ends it with a message and an exit code, no traceback."""
    args = _parser().parse_args(arguments)
    run_main(lambda: args.run(args))


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        "stylefuse",
        description="Transfer style, fuse and restore pictures, invent portraits; train, register "
        "and serve the models that do.",
    )
    parser.add_argument("--version", action="version", version=f"stylefuse {__version__}")
    parsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_painting(parsers)
    _add_film(parsers)
    _add_upkeep(parsers)
    _add_looking(parsers)
    _add_servers(parsers)

    completion = parsers.add_parser("completion", help="print a script that completes commands")
    completion.set_defaults(run=lambda args: commands.completion(parser, args.shell))
    completion.add_argument("shell", choices=["bash", "zsh"])
    return parser


def _add_painting(parsers: argparse._SubParsersAction) -> None:
    share = {"type": _share, "metavar": "SHARE"}

    transfer = parsers.add_parser("transfer", help="paint pictures in the style of others")
    transfer.set_defaults(run=commands.transfer)
    transfer.add_argument("content", nargs="+", help="picture files, folders or glob patterns")
    _add_styles(transfer, "mixed by weight where there are several", required=True)
    transfer.add_argument(
        "--each-style", action="store_true",
        help="paint every content in every style by itself, as CONTENT--STYLE.png in a folder",
    )  # fmt: skip
    transfer.add_argument(
        "--strength", default=1.0, help="0 to 1: whole style (default: 1)", **share
    )
    transfer.add_argument(
        "--preserve-color", nargs="?", const="luminance", default="none", choices=PRESERVE,
        help="keep the content's colours: luminance, place by place (this is meant where nothing "
        "follows), or match, as a whole",
    )  # fmt: skip
    transfer.add_argument(
        "--size", type=int, default=0, metavar="N",
        help="longer side of the output, pixels (default: the content's)",
    )  # fmt: skip
    _add_output(transfer, "a .png, .jpg, .webp or .tif file for one content, or a folder")
    _add_delivery(transfer)
    _add_model(transfer, "transfer")

    fuse = parsers.add_parser("fuse", help="fuse two pictures: whose content, whose style")
    fuse.set_defaults(run=commands.fuse)
    fuse.add_argument("a", type=Path, metavar="A", help="a picture file; it gives the size")
    fuse.add_argument("b", type=Path, metavar="B", help="another one")
    fuse.add_argument(
        "--content-balance", default=0.5, help="0 shows B, 1 shows A (default: 0.5)", **share
    )
    fuse.add_argument(
        "--style-balance", default=0.5, help="0 paints like B, 1 like A (default: 0.5)", **share
    )
    fuse.add_argument(
        "--detail-balance", default=-1.0, help="the same for strokes (default: the style balance)",
        **share,
    )  # fmt: skip
    fuse.add_argument(
        "--mode", default="auto", choices=MODES,
        help="saliency: the livelier picture shows at each place; mask: A shows where --mask is "
        "white; scalar: both lie over each other; auto: mask where one is given, or else saliency "
        "(default: auto)",
    )  # fmt: skip
    fuse.add_argument("--mask", type=Path, metavar="PICTURE", help="white where A shows")
    _add_styles(fuse, "painted in instead of the styles of A and B")
    fuse.add_argument(
        "--style-by-region", action="store_true", help="what shows of each is painted in its style"
    )
    fuse.add_argument("--seamless", action="store_true", help="join both by their gradients")
    _add_output(fuse, "a .png, .jpg, .webp or .tif file, or a folder")
    _add_delivery(fuse, several=False)
    _add_model(fuse, "transfer")

    restore = parsers.add_parser("restore", help="mend damaged photographs")
    restore.set_defaults(run=commands.restore)
    restore.add_argument("image", nargs="+", help="picture files, folders or glob patterns")
    restore.add_argument("--strength", default=1.0, help="0 to 1: all (default: 1)", **share)
    _add_output(restore, "a .png, .jpg, .webp or .tif file for one picture, or a folder")
    _add_delivery(restore)
    _add_model(restore, "restore")

    portrait = parsers.add_parser("portrait", help="invent portraits")
    portrait.set_defaults(run=commands.portrait)
    portrait.add_argument("--count", type=int, default=1, metavar="N", help="(default: 1)")
    portrait.add_argument(
        "--seed", type=int, default=0, metavar="N",
        help="of the first portrait, the next ones follow; a seed is always the same character "
        "(default: 0)",
    )  # fmt: skip
    portrait.add_argument(
        "--blend-with", type=int, default=-1, metavar="SEED", help="blend in this character"
    )
    portrait.add_argument("--blend", default=0.5, help="how much of it (default: 0.5)", **share)
    _add_styles(portrait, "paint the portraits in this style, with the default transfer model")
    _add_output(portrait, "a folder")
    _add_delivery(portrait)
    _add_model(portrait, "portrait")


def _add_film(parsers: argparse._SubParsersAction) -> None:
    film = parsers.add_parser("film", help="paint a film in one style, with ffmpeg")
    film.set_defaults(run=commands.film)
    film.add_argument("film", type=Path, metavar="FILM", help="a file that ffmpeg reads")
    _add_styles(film, "mixed by weight where there are several", required=True)
    film.add_argument(
        "--strength", type=_share, default=1.0, metavar="SHARE",
        help="0 to 1: whole style (default: 1)",
    )  # fmt: skip
    film.add_argument(
        "--size", type=int, default=0, metavar="N", help="longer side, pixels (default: the film's)"
    )
    _add_output(film, "an .mp4, .mkv or .mov file")
    _add_model(film, "transfer")


def _add_upkeep(parsers: argparse._SubParsersAction) -> None:
    train = parsers.add_parser("train", help="train a model; DVC runs this")
    train.set_defaults(run=commands.train)
    _add_name(train)

    register = parsers.add_parser("register", help="put trained models into the registry")
    register.set_defaults(run=commands.register)
    register.add_argument(
        "names", nargs="*", metavar="MODEL", type=_model, help="names in params.yaml (default: all)"
    )
    register.add_argument(
        "--tried", type=int, default=1, metavar="N",
        help="it is the best of N variants: the gate asks more of it (default: 1)",
    )  # fmt: skip

    gate = parsers.add_parser("gate", help="judge a challenger beside its champion")
    gate.set_defaults(run=commands.gate)
    _add_name(gate)

    promote = parsers.add_parser("promote", help="make a version the champion")
    promote.set_defaults(run=commands.promote)
    _add_name(promote)
    promote.add_argument("version", type=int, metavar="VERSION")
    promote.add_argument("--reason", required=True, help="is recorded")
    promote.add_argument(
        "--expected", type=int, metavar="VERSION", help="only if this one is champion until then"
    )

    rollback = parsers.add_parser("rollback", help="make the champion before this one champion")
    rollback.set_defaults(run=commands.rollback)
    _add_name(rollback)
    rollback.add_argument("--reason", required=True, help="is recorded")

    for command, run, help in (
        (
            "reproduce",
            commands.reproduce,
            "make a registered version again, and compare it by bytes",
        ),
        (
            "verify",
            commands.verify,
            "see that a registered version is what was registered, and by whom",
        ),
        (
            "sign",
            commands.sign,
            "sign a registered version as it is, for those who trust this project",
        ),
    ):
        about_version = parsers.add_parser(command, help=help)
        about_version.set_defaults(run=run)
        about_version.add_argument(
            "version", metavar="VERSION", help="MODEL, its champion; MODEL@ALIAS or MODEL/NUMBER"
        )


def _add_looking(parsers: argparse._SubParsersAction) -> None:
    models = parsers.add_parser("models", help="list the registered versions")
    models.set_defaults(run=commands.models)
    _add_json(models)

    doctor = parsers.add_parser(
        "doctor", help="find what is wrong with machine, configuration and registry"
    )
    doctor.set_defaults(run=commands.doctor)
    _add_json(doctor)


def _add_servers(parsers: argparse._SubParsersAction) -> None:
    serve = parsers.add_parser("serve", help="answer requests over HTTP")
    serve.set_defaults(run=commands.serve)
    serve.add_argument(
        "name", nargs="?", default="transfer", metavar="MODEL", type=_model,
        help="its name in params.yaml (default: transfer)",
    )  # fmt: skip
    serve.add_argument("--host", default="127.0.0.1", help="(default: 127.0.0.1)")
    serve.add_argument("--port", type=int, default=5001, help="(default: 5001)")
    serve.add_argument(
        "--model", help="a folder or models:/NAME@ALIAS (default: the champion of MODEL)"
    )

    app = parsers.add_parser("app", help="a page to paint on")
    app.set_defaults(run=commands.app)
    app.add_argument("--port", type=int, default=7860, help="(default: 7860)")

    ui = parsers.add_parser("ui", help="MLflow's pages: runs, models, versions")
    ui.set_defaults(run=commands.ui)
    ui.add_argument("--port", type=int, default=5000, help="(default: 5000)")


def _add_name(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="MODEL", type=_model, help="its name in params.yaml")


def _model(text: str) -> str:
    """A model's name in params.yaml, from that or from the name that the registry has for it."""
    return text.removeprefix("stylefuse-")


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = float("nan")
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"must be a number from 0 to 1, not {text}")
    return share


def _add_styles(command: argparse.ArgumentParser, help: str, required: bool = False) -> None:
    command.add_argument(
        "--style", action="append", default=[], required=required, metavar="PICTURE[:WEIGHT]",
        help=f"{help}; may be given several times, and be a folder or a glob pattern",
    )  # fmt: skip


def _add_output(command: argparse.ArgumentParser, help: str) -> None:
    command.add_argument(
        "-o", "--out", type=Path, required=True,
        help=f"{help}; folders are made, and what is there already is replaced",
    )  # fmt: skip


def _add_model(command: argparse.ArgumentParser, name: str) -> None:
    command.add_argument(
        "--model",
        help=f"a folder or models:/NAME@ALIAS (default: the champion, or else models/{name})",
    )


def _add_delivery(command: argparse.ArgumentParser, several: bool = True) -> None:
    if several:
        command.add_argument(
            "--skip-existing", action="store_true", help="leave alone what is there already"
        )
    command.add_argument(
        "--sidecar", action="store_true", help="write what made a picture beside it, as NAME.json"
    )
    _add_json(command)


def _add_json(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--json", action="store_true", help="print one JSON document, for programs"
    )
