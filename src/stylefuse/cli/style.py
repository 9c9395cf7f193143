"""The commands that list and learn styles, and say what a learned one is."""

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
    """Add `stylefuse style list`, `stylefuse style learn` and `stylefuse style show`."""
    style = commands.add_parser(
        "style", help="list the shipped styles, or learn the style of paintings, for a file"
    )
    actions = style.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_list(actions)
    _add_learn(actions)
    _add_show(actions)


def _add_list(actions: Subparsers) -> None:
    command = actions.add_parser(
        "list", help="list the shipped styles, whose names --style takes as it takes pictures"
    )
    command.set_defaults(run=_list)
    add_json(command)


def _list(args: argparse.Namespace) -> None:
    from stylefuse.inference.style_gallery import shipped_styles

    styles = {
        name: {"title": style.name, "source": style.source, "licence": style.licence}
        for name, style in shipped_styles().items()
    }
    if args.json:
        print_json(styles)
        return
    width = max(map(len, styles))
    for name, style in styles.items():
        author = style["source"].partition(" (")[0]
        print_text(f"{name:{width}}  {author}: {style['title']} ({style['licence']})\n")


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
    command = actions.add_parser("show", help="say what a learned style holds")
    command.set_defaults(run=_show)
    command.add_argument(
        "file", type=Path, metavar="STYLE", help="a .style file, or the name of a shipped style"
    )
    add_json(command)


def _show(args: argparse.Namespace) -> None:
    from stylefuse.inference.style_file import open_style
    from stylefuse.inference.style_gallery import style_path

    shipped = None if args.file.exists() else style_path(str(args.file))
    style = open_style(shipped or args.file)
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
