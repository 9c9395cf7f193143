"""What a shell completes behind `stylefuse`."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import shtab

from stylefuse.config import load_params
from stylefuse.errors import UserError

FILES = {"content", "image", "style", "model"}  # arguments that are files, and have no type
MODELS = {"name", "names"}  # and those that are names of models


def script(parser: argparse.ArgumentParser, shell: str) -> str:
    """A script that makes a shell complete the commands and flags of a parser, files, and the
    models of the project that it is made in.

    Args:
        parser: of `stylefuse`.
        shell: "bash" or "zsh".
    """
    models = _models()
    for action in _actions(parser):
        if action.dest in MODELS:
            action.choices = models
        if action.type is Path or action.dest in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # where shtab looks for it
    return shtab.complete(parser, shell)


def _models() -> list[str]:
    try:
        return list(load_params().models)
    except UserError:  # a shell's start is no place to tell what is wrong with a project
        return []


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """All arguments of a parser and of its commands."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)
