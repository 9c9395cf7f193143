"""The command line: parses, calls, prints.

What is slow to import is imported by the command that needs it, so that help is immediate.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from stylefuse import __version__
from stylefuse.errors import UserError, run_main

STOPPED = 143  # exit code of a process that was asked to end: 128 + SIGTERM
DIFFERENT = 1  # exit code where a version could not be made again to the byte


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `stylefuse`; a user's mistake ends it with a message and an exit code, no traceback."""
    args = _parser().parse_args(arguments)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    run_main(lambda: args.run(args))


def _train(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params

    params = load_params()
    params.train(args.name)  # a name that is none is told before Keras is imported
    from stylefuse.registry.tracker import MlflowTracker
    from stylefuse.training.loop import train
    from stylefuse.training.stopping import asked_to_stop

    with MlflowTracker(params.registry) as tracker, asked_to_stop() as stop:
        ended = train(args.name, params, tracker, stop)
    if not ended:
        raise UserError("stopped; the same command goes on from here", STOPPED)


def _register(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.register import register

    params = load_params()
    wrong = []
    for name in args.names or params.models:
        try:
            sys.stdout.write(f"{register(params, name, args.tried)}\n")
        except UserError as error:
            wrong.append(error)
    if wrong:
        messages = dict.fromkeys(map(str, wrong))  # a store that is missing is told once
        raise UserError("\n  ".join(messages), wrong[0].exit_code)


def _gate(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.decide import decide

    params = load_params()
    params.train(args.name)
    decision, _, version = decide(params, args.name)
    sys.stdout.write(f"{version.name} version {version.version}\n\n{decision.markdown()}")


def _promote(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.promotion import promote

    move = promote(load_params().registry, args.name, args.version, args.reason, args.expected)
    sys.stdout.write(f"{move}\n")


def _rollback(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.promotion import rollback

    sys.stdout.write(f"{rollback(load_params().registry, args.name, args.reason)}\n")


def _transfer(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.models.transfer.dials import TransferOptions
    from stylefuse.serving.transfer import transfer

    options = TransferOptions(args.strength, args.preserve_color, args.size)
    transfer(args.content, args.style, args.out, options, args.model, load_params())
    sys.stdout.write(f"{args.out}\n")


def _fuse(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.models.transfer.dials import FusionOptions
    from stylefuse.serving.fuse import fuse

    options = FusionOptions(
        args.content_balance, args.style_balance, args.detail_balance,
        args.mode, args.style_by_region, args.seamless,
    )  # fmt: skip
    fuse(args.a, args.b, args.mask, args.style, args.out, options, args.model, load_params())
    sys.stdout.write(f"{args.out}\n")


def _restore(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.models.restore import RestoreOptions
    from stylefuse.serving.restore import restore

    restore(args.image, args.out, RestoreOptions(args.strength), args.model, load_params())
    sys.stdout.write(f"{args.out}\n")


def _portrait(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.models.portrait import PortraitOptions
    from stylefuse.serving.portrait import portrait

    options = PortraitOptions(args.blend_with, args.blend)
    seeds = range(args.seed, args.seed + args.count)
    portrait(seeds, args.style, args.out, options, args.model, load_params())
    sys.stdout.write(f"{args.out}\n")


def _reproduce(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.reproduce import reproduce

    made = reproduce(load_params(), args.version)
    sys.stdout.write(f"{made}\n")
    if not made.identical:
        sys.exit(DIFFERENT)


def _verify(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.verify import verify

    sys.stdout.write(f"{verify(load_params(), args.version)}\n")


def _sign(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.verify import sign_version

    sys.stdout.write(f"{sign_version(load_params(), args.version)}\n")


def _serve(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.monitoring.seen import FILE
    from stylefuse.registry.fetch import champion_uri
    from stylefuse.registry.launch import serve

    params = load_params()
    os.environ.setdefault(FILE, str(params.monitor.seen.absolute()))
    model = args.model or champion_uri(args.name)
    serve(params.registry, params.serve, model, args.host, args.port)


def _ui(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.registry.launch import ui

    ui(load_params().registry, args.port)


def _app(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params
    from stylefuse.web.server import run

    run(load_params(), args.port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "stylefuse",
        description="Transfer style, fuse and restore pictures, invent portraits; train, register "
        "and serve the models that do.",
    )
    parser.add_argument("--version", action="version", version=f"stylefuse {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_painting(commands)
    _add_upkeep(commands)
    return parser


def _add_painting(commands: argparse._SubParsersAction) -> None:
    share = {"type": float, "metavar": "SHARE"}

    transfer = commands.add_parser("transfer", help="paint pictures in the style of others")
    transfer.set_defaults(run=_transfer)
    transfer.add_argument("content", nargs="+", help="picture files, folders or glob patterns")
    _add_styles(transfer, "mixed by weight where there are several", required=True)
    transfer.add_argument(
        "--strength", default=1.0, help="0 to 1: whole style (default: 1)", **share
    )
    transfer.add_argument(
        "--preserve-color",
        nargs="?",
        const="luminance",
        default="none",
        metavar="HOW",
        help="keep the content's colours: luminance, place by place (this is meant where nothing "
        "follows), or match, as a whole",
    )
    transfer.add_argument(
        "--size", type=int, default=0, metavar="N",
        help="longer side of the output, pixels (default: the content's)",
    )  # fmt: skip
    _add_output(transfer, "a .png, .jpg, .webp or .tif file for one content, or a folder")
    _add_model(transfer, "transfer")

    fuse = commands.add_parser("fuse", help="fuse two pictures: whose content, whose style")
    fuse.set_defaults(run=_fuse)
    fuse.add_argument("a", type=Path, metavar="A", help="a picture file; it gives the size")
    fuse.add_argument("b", type=Path, metavar="B", help="another one")
    fuse.add_argument(
        "--content-balance", default=0.5, help="0 shows B, 1 shows A (default: 0.5)", **share
    )
    fuse.add_argument(
        "--style-balance", default=0.5, help="0 paints like B, 1 like A (default: 0.5)", **share
    )
    fuse.add_argument(
        "--detail-balance",
        default=-1.0,
        help="the same for strokes (default: the style balance)",
        **share,
    )
    fuse.add_argument(
        "--mode",
        default="auto",
        help="saliency: the livelier picture shows at each place; mask: A shows where --mask is "
        "white; scalar: both lie over each other (default: mask where one is given, or saliency)",
    )
    fuse.add_argument("--mask", type=Path, metavar="PICTURE", help="white where A shows")
    _add_styles(fuse, "painted in instead of the styles of A and B")
    fuse.add_argument(
        "--style-by-region", action="store_true", help="what shows of each is painted in its style"
    )
    fuse.add_argument("--seamless", action="store_true", help="join both by their gradients")
    _add_output(fuse, "a .png, .jpg, .webp or .tif file, or a folder")
    _add_model(fuse, "transfer")

    restore = commands.add_parser("restore", help="mend damaged photographs")
    restore.set_defaults(run=_restore)
    restore.add_argument("image", nargs="+", help="picture files, folders or glob patterns")
    restore.add_argument("--strength", default=1.0, help="0 to 1: all (default: 1)", **share)
    _add_output(restore, "a .png, .jpg, .webp or .tif file for one picture, or a folder")
    _add_model(restore, "restore")

    portrait = commands.add_parser("portrait", help="invent portraits")
    portrait.set_defaults(run=_portrait)
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
    _add_model(portrait, "portrait")


def _add_upkeep(commands: argparse._SubParsersAction) -> None:
    train = commands.add_parser("train", help="train a model; DVC runs this")
    train.set_defaults(run=_train)
    train.add_argument("name", metavar="MODEL", help="its name in params.yaml")

    register = commands.add_parser("register", help="put trained models into the registry")
    register.set_defaults(run=_register)
    register.add_argument(
        "names", nargs="*", metavar="MODEL", help="names in params.yaml (default: all)"
    )
    register.add_argument(
        "--tried", type=int, default=1, metavar="N",
        help="it is the best of N variants: the gate asks more of it (default: 1)",
    )  # fmt: skip

    gate = commands.add_parser("gate", help="judge a challenger beside its champion")
    gate.set_defaults(run=_gate)
    gate.add_argument("name", metavar="MODEL", help="its name in params.yaml")

    promote = commands.add_parser("promote", help="make a version the champion")
    promote.set_defaults(run=_promote)
    promote.add_argument("name", metavar="MODEL", help="its name in params.yaml")
    promote.add_argument("version", type=int, metavar="VERSION")
    promote.add_argument("--reason", required=True, help="is recorded")
    promote.add_argument(
        "--expected", type=int, metavar="VERSION", help="only if this one is champion until then"
    )

    rollback = commands.add_parser("rollback", help="make the champion before this one champion")
    rollback.set_defaults(run=_rollback)
    rollback.add_argument("name", metavar="MODEL", help="its name in params.yaml")
    rollback.add_argument("--reason", required=True, help="is recorded")

    for command, run, help in (
        ("reproduce", _reproduce, "make a registered version again, and compare it by bytes"),
        ("verify", _verify, "see that a registered version is what was registered, and by whom"),
        ("sign", _sign, "sign a registered version as it is, for those who trust this project"),
    ):
        about_version = commands.add_parser(command, help=help)
        about_version.set_defaults(run=run)
        about_version.add_argument(
            "version", metavar="VERSION", help="stylefuse-NAME@ALIAS or stylefuse-NAME/NUMBER"
        )

    serve = commands.add_parser("serve", help="answer requests over HTTP")
    serve.set_defaults(run=_serve)
    serve.add_argument(
        "name", nargs="?", default="transfer", metavar="NAME", help="(default: transfer)"
    )
    serve.add_argument("--host", default="127.0.0.1", help="(default: 127.0.0.1)")
    serve.add_argument("--port", type=int, default=5001, help="(default: 5001)")
    serve.add_argument(
        "--model", help="a folder or models:/NAME@ALIAS (default: the champion of NAME)"
    )

    app = commands.add_parser("app", help="a page to paint on")
    app.set_defaults(run=_app)
    app.add_argument("--port", type=int, default=7860, help="(default: 7860)")

    ui = commands.add_parser("ui", help="MLflow's pages: runs, models, versions")
    ui.set_defaults(run=_ui)
    ui.add_argument("--port", type=int, default=5000, help="(default: 5000)")


def _add_styles(command: argparse.ArgumentParser, help: str, required: bool = False) -> None:
    command.add_argument(
        "--style", action="append", default=[], required=required, metavar="PICTURE[:WEIGHT]",
        help=f"{help}; may be given several times",
    )  # fmt: skip


def _add_output(command: argparse.ArgumentParser, help: str) -> None:
    command.add_argument("-o", "--out", type=Path, required=True, help=help)


def _add_model(command: argparse.ArgumentParser, name: str) -> None:
    command.add_argument(
        "--model",
        help=f"a folder or models:/NAME@ALIAS (default: the champion, or else models/{name})",
    )
