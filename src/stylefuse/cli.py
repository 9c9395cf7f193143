"""The command line: parses, calls, prints.

What is slow to import is imported by the command that needs it, so that help is immediate.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from stylefuse import __version__
from stylefuse.errors import run_main


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `stylefuse`; a user's mistake ends it with a message and an exit code, no traceback."""
    args = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    run_main(lambda: args.run(args))


def _train(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params

    params = load_params()
    from stylefuse.registry.tracker import MlflowTracker
    from stylefuse.training.loop import train

    with MlflowTracker(params.registry) as tracker:
        train(params, tracker)


def _register(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.register import register

    sys.stdout.write(f"{register(load_params())}\n")


def _transfer(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.fetch import default_model, model_files
    from stylefuse.serving import transfer
    from stylefuse.serving.painter import Painter, PaintOptions

    params = load_params()
    options = PaintOptions(args.strength, args.preserve_color, args.size)
    job = transfer.plan(args.content, args.style, args.out, params.serve.max_pixels)
    model = args.model or default_model(params.registry)
    painter = Painter(model_files(model, params.registry), params.serve)
    transfer.run(job, painter, options)
    sys.stdout.write(f"{args.out}\n")


def _serve(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.fetch import CHAMPION_URI
    from stylefuse.registry.launch import serve

    serve(load_params().registry, args.model or CHAMPION_URI, args.host, args.port)


def _ui(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.launch import ui

    ui(load_params().registry, args.port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "stylefuse", description="Train, register, use and serve models that transfer style."
    )
    parser.add_argument("--version", action="version", version=f"stylefuse {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    train = commands.add_parser("train", help="train the transfer model; DVC runs this")
    train.set_defaults(run=_train)

    register = commands.add_parser("register", help="put the trained model into the registry")
    register.set_defaults(run=_register)

    transfer = commands.add_parser("transfer", help="paint pictures in the style of others")
    transfer.set_defaults(run=_transfer)
    transfer.add_argument("content", nargs="+", help="picture files, folders or glob patterns")
    transfer.add_argument(
        "--style", action="append", required=True, metavar="PICTURE[:WEIGHT]",
        help="may be given several times; styles are mixed by weight",
    )  # fmt: skip
    transfer.add_argument(
        "--strength", type=float, default=1.0, metavar="S", help="0 to 1 (default: 1)"
    )
    transfer.add_argument(
        "--preserve-color", action="store_true", help="keep the content's own colours"
    )
    transfer.add_argument(
        "--size", type=int, default=0, metavar="N",
        help="longer side of the output, pixels (default: the content's)",
    )  # fmt: skip
    transfer.add_argument(
        "-o", "--out", type=Path, required=True,
        help="a .png, .jpg, .webp or .tif file for one content, or a folder",
    )  # fmt: skip
    _add_model(transfer, "the champion, or else models/transfer")

    serve = commands.add_parser("serve", help="answer requests over HTTP")
    serve.set_defaults(run=_serve)
    serve.add_argument("--host", default="127.0.0.1", help="(default: 127.0.0.1)")
    serve.add_argument("--port", type=int, default=5001, help="(default: 5001)")
    _add_model(serve, "the champion")

    ui = commands.add_parser("ui", help="MLflow's pages: runs, models, versions")
    ui.set_defaults(run=_ui)
    ui.add_argument("--port", type=int, default=5000, help="(default: 5000)")
    return parser


def _add_model(command: argparse.ArgumentParser, default: str) -> None:
    command.add_argument(
        "--model", help=f"a folder or models:/NAME@ALIAS (default: {default})", metavar="MODEL"
    )
