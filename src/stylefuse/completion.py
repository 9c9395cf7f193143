"""What a shell completes behind `stylefuse`."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import shtab

FILES = {"content", "image", "style", "model"}  # arguments that are files, and have no type


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """A script that makes a shell complete the commands and flags of a parser, and files.

    Args:
        parser: of `stylefuse`.
        shell: "bash" or "zsh".
    """
    for action in _actions(parser):
        if action.type is Path or action.dest in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # where shtab looks for it
    return shtab.complete(parser, shell)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All arguments of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
