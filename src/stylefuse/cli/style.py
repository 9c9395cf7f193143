"""The commands that learn styles, and say what a learned one is."""

import argparse
from pathlib import Path

from stylefuse.cli.arguments import (
    Subparsers,
    add_json,
    add_model_location,
    add_output,
    pattern,
    print_json,
    print_path,
    print_text,
)


def add_style_commands(commands: Subparsers) -> None:
    """Add `stylefuse style learn` and `stylefuse style show`."""
    style = commands.add_parser("style", help="learn the style of paintings, for a file")
    actions = style.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_learn(actions)
    _add_show(actions)


def _add_learn(actions: Subparsers) -> None:
    command = actions.add_parser(
        "learn", help="learn a style, in about half a minute on two cores; Ctrl-C keeps what was "
        "learned so far",
    )  # fmt: skip
    command.set_defaults(run=_learn)
    command.add_argument(
        "painting", nargs="+", type=pattern,
        help="picture files, folders or glob patterns; several give one style",
    )  # fmt: skip
    command.add_argument("--name", default="", help="of the style (default: that of the file)")
    command.add_argument("--licence", default="", help="of the paintings, recorded in the file")
    command.add_argument(
        "--source", default="", help="the paintings' author and origin, recorded in the file"
    )
    add_output(command, "a file that ends in .style")
    add_model_location(command, "transfer")


def _learn(args: argparse.Namespace) -> None:
    from stylefuse.loading import model_loader
    from stylefuse.painting.learn_style import StyleFacts, learn_style

    learn_style(
        args.painting,
        args.out,
        StyleFacts(args.name, args.licence, args.source),
        model_loader("transfer", args.model),
    )
    print_path(args.out)


def _add_show(actions: Subparsers) -> None:
    command = actions.add_parser("show", help="say what a file holds")
    command.set_defaults(run=_show)
    command.add_argument("file", type=Path, metavar="FILE", help="a .style file")
    add_json(command)


def _show(args: argparse.Namespace) -> None:
    from stylefuse.inference.style_file import open_style

    style = open_style(args.file)
    sizes = ["×".join(map(str, picture.size)) for picture in style.pictures]
    facts = {
        "name": style.name,
        "licence": style.licence or "not recorded",
        "source": style.source or "not recorded",
        "paintings": f"{len(sizes)} ({', '.join(sizes)})",
        "learned for": f"the transfer model with the weights {style.weights}",
        "numbers": str(len(style.code)),
    }
    if args.json:
        print_json(facts)
        return
    for name, fact in facts.items():
        print_text(f"{name + ':':13}{fact}\n")
