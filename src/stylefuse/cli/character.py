"""The command `character`, which paints people as characters."""

import argparse
from pathlib import Path
from typing import Any

from stylefuse.cli.arguments import (
    Subparsers,
    add_model_location,
    add_output,
    add_output_options,
    add_quality,
    output_options,
    pattern,
    print_json,
    print_text,
    share,
)
from stylefuse.cli.paint import report
from stylefuse.errors import UserError
from stylefuse.inference.characters.options import KINDS, MIRROR_CHOICES, CharacterOptions

ALL_FACES = 0  # the number that stands for `--face all`


def add_character_command(commands: Subparsers) -> None:
    """Add the command."""
    command = commands.add_parser("character", help="paint people as characters")
    command.set_defaults(run=_character)
    command.add_argument(
        "photo", nargs="*", type=pattern, help="picture files, folders or glob patterns"
    )
    command.add_argument(
        "--as", dest="character", metavar="CHARACTER", type=pattern,
        help="a name of the gallery, or a picture file with a face (default: the character of the "
        "gallery whose pose fits best)",
    )  # fmt: skip
    command.add_argument(
        "--list", action="store_true",
        help="list the gallery, the best fitting character of a photograph first, and paint "
        "nothing",
    )  # fmt: skip
    command.add_argument(
        "--kind", choices=KINDS, default=CharacterOptions.kind,
        help="costume shows the person's face in the character's picture; portrait shows the "
        "person with hair and clothes in the character's hand and colours (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--likeness", type=share, metavar="SHARE", default=CharacterOptions.likeness,
        help="0 is the character, 1 the person (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--mirror", choices=MIRROR_CHOICES, default=CharacterOptions.mirror,
        help="mirror the character; auto does where its pose fits better then "
        "(default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--face", type=_face, metavar="N|all",
        help="number of the face where there are several, from 1 for the largest, which is the "
        "default; all paints each into a file of its own",
    )  # fmt: skip
    command.add_argument(
        "--whole",
        action="store_true",
        help="paint a photograph that shows no face as it is, in the character's hand",
    )
    command.add_argument(
        "--size", type=int, metavar="N", default=CharacterOptions.size,
        help="longer side of the output in pixels (default: the character's own)",
    )  # fmt: skip
    add_quality(command)
    add_output(
        command, "a .png, .jpg, .webp or .tif file for one face, or a folder", required=False
    )
    add_output_options(command)
    add_model_location(command, "transfer")


def _character(args: argparse.Namespace) -> None:
    if args.list:
        _list(args)
        return
    if not args.photo or args.out is None:
        missing = "--out" if args.photo else "a photograph"
        raise UserError(
            f"{missing} is missing; see `stylefuse character --help`", code="argument-missing"
        )
    from stylefuse.loading import model_loader
    from stylefuse.painting.character import FaceChoice, paint_characters

    result = paint_characters(
        args.photo,
        args.character,
        args.out,
        CharacterOptions(args.kind, args.likeness, args.mirror, args.size, args.quality),
        FaceChoice(args.face, args.whole),
        model_loader("transfer", args.model),
        output_options(args),
    )
    report(result, args)


def _list(args: argparse.Namespace) -> None:
    from stylefuse.painting.character import list_characters

    if len(args.photo) > 1:
        raise UserError("--list takes one photograph, or none", code="argument-unexpected")
    rows = list_characters(Path(args.photo[0]) if args.photo else None, args.face)
    if args.json:
        print_json({"characters": rows})
        return
    for row in rows:
        print_text(_line(row) + "\n")


def _line(row: dict[str, Any]) -> str:
    fit = ""
    if "degrees" in row:
        fit = f"{row['degrees']:3}°{' mirrored' if row['mirrored'] else '':9}  "
    return f"{fit}{row['name']:14}  {row['title']}"


def _face(text: str) -> int:
    """The type of a face's number."""
    if text == "all":
        return ALL_FACES
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a number from 1, or all, not {text}")
    return int(text)
