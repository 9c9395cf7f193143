"""The program `stylefuse`: its parser, and its entry point."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from typing import NoReturn

from stylefuse import __version__
from stylefuse.cli.arguments import Subparsers
from stylefuse.cli.character import add_character_command
from stylefuse.cli.completion import add_completion_command
from stylefuse.cli.doctor import add_doctor_command
from stylefuse.cli.paint import add_paint_commands
from stylefuse.cli.registry import add_registry_commands
from stylefuse.cli.serve import add_serve_commands
from stylefuse.cli.style import add_style_commands
from stylefuse.cli.train import add_train_command
from stylefuse.cli.video import add_video_command
from stylefuse.errors import (
    EXIT_INVALID_INPUT,
    EXIT_TERMINATED,
    UserError,
    open_missing_streams,
    printable,
    run_main,
)

EXTRAS = {  # that commands need; others: pipeline
    "serve": "serve", "app": "app", "train": "train", "gate": "train", "reproduce": "train"
}  # fmt: skip
DEPRECATED_COMMANDS = {"film": "video"}  # old name → new name; the next release drops them


class Parser(argparse.ArgumentParser):
    """Reports an error in one line that names the command with help."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_INVALID_INPUT, f"error: {printable(message)}; see `{self.prog} --help`\n")


def main(argv: Sequence[str] | None = None) -> None:
    """Run `stylefuse`; a user's mistake ends it with a message and an exit code.

    Args:
        argv: the arguments behind the program's name; those of the process if None.
    """
    open_missing_streams()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminate)  # servers and trainings set their own
    arguments = _rename_command(list(sys.argv[1:] if argv is None else argv))
    args = build_parser().parse_args(arguments)
    run_main(lambda: _run(args, EXTRAS.get(arguments[0], "pipeline")))


def _terminate(*_: object) -> NoReturn:
    """End by an exception, as after Ctrl-C, so that no drafts of files are left."""
    sys.exit(EXIT_TERMINATED)


def _run(args: argparse.Namespace, extra: str) -> None:
    try:
        args.run(args)
    except ModuleNotFoundError as error:
        if str(error.name).startswith("stylefuse"):
            raise
        raise UserError(
            f"this command needs the package {error.name}, which the installation for painting "
            f"does not have; install the wheel with its extra, `pip install 'WHEEL[{extra}]'`",
            code="package-missing",
        ) from None


def build_parser() -> argparse.ArgumentParser:
    """The parser of all commands; a parsed namespace has its action as `run`."""
    parser = Parser(
        "stylefuse",
        description="Transfer styles, fuse and restore pictures, paint people as characters, "
        "generate portraits; train, register and serve the models that do it.",
    )
    parser.add_argument("--version", action="version", version=f"stylefuse {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_commands(commands)
    add_completion_command(commands, parser)
    return parser


def add_commands(commands: Subparsers) -> None:
    """Add all commands but `completion`, which needs the whole parser."""
    add_paint_commands(commands)
    add_character_command(commands)
    add_video_command(commands)
    add_style_commands(commands)
    add_train_command(commands)
    add_registry_commands(commands)
    add_doctor_command(commands)
    add_serve_commands(commands)


def _rename_command(arguments: list[str]) -> list[str]:
    old_name = arguments[0] if arguments else ""
    new_name = DEPRECATED_COMMANDS.get(old_name)
    if new_name is None:
        return arguments
    sys.stderr.write(f"warning: `stylefuse {old_name}` is deprecated; use `stylefuse {new_name}`\n")
    return [new_name, *arguments[1:]]
