"""The command that prints a completion script for a shell."""

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from stylefuse.cli.arguments import Subparsers, model_location, model_name, output_path, pattern

FILE_TYPES = (Path, pattern, model_location, output_path)  # of arguments that may be files


def add_completion_command(commands: Subparsers, parser: argparse.ArgumentParser) -> None:
    """Add `stylefuse completion` for a parser that has all other commands."""
    command = commands.add_parser(
        "completion", help="print a script that completes commands in a shell"
    )
    command.set_defaults(run=partial(_completion, parser))
    command.add_argument("shell", choices=["bash", "zsh"])


def _completion(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    sys.stdout.write(completion_script(parser, args.shell))


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """A script that completes the commands and options of a parser, files, and the models of the
    project in the working directory.

    Args:
        parser: of `stylefuse`.
        shell: "bash" or "zsh".
    """
    import shtab

    models = _models()
    for action in _actions(parser):
        if action.type is model_name:
            action.choices = models
        if action.type in FILE_TYPES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # where shtab looks for it
    return shtab.complete(parser, shell)


def _models() -> list[str]:
    from stylefuse.errors import UserError

    try:
        from stylefuse.config import load_params

        return list(load_params().models)
    except (
        UserError,
        ModuleNotFoundError,
    ):  # the start of a shell is not the place to report a project's mistakes
        return []


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All arguments of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
