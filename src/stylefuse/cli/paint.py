"""The commands that paint pictures: transfer, fuse, restore and portrait."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from stylefuse.cli.arguments import (
    Subparsers,
    add_model_location,
    add_output,
    add_output_options,
    add_quality,
    add_stroke_size,
    add_styles,
    names,
    output_options,
    pattern,
    print_json,
    print_path,
    share,
)
from stylefuse.inference.degradation_kinds import MENDABLE
from stylefuse.inference.options import (
    FUSION_MODES,
    PRESERVE_COLOR_CHOICES,
    SCALES,
    FusionOptions,
    PortraitOptions,
    RestoreOptions,
    TransferOptions,
)

if TYPE_CHECKING:
    from stylefuse.painting.batch import BatchResult


def add_paint_commands(commands: Subparsers) -> None:
    """Add the commands of this module."""
    _add_transfer(commands)
    _add_fuse(commands)
    _add_restore(commands)
    _add_portrait(commands)


def _add_transfer(commands: Subparsers) -> None:
    command = commands.add_parser("transfer", help="paint pictures in the style of others")
    command.set_defaults(run=_transfer)
    command.add_argument(
        "content", nargs="+", type=pattern, help="picture files, folders or glob patterns"
    )
    add_styles(command, "several styles are mixed by weight", required=True)
    command.add_argument(
        "--each-style", action="store_true",
        help="paint every content in every style by itself, as CONTENT--STYLE.png in a folder",
    )  # fmt: skip
    command.add_argument(
        "--strength", type=share, metavar="SHARE", default=TransferOptions.strength,
        help="0 is the content itself, 1 takes the other's style (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--preserve-color", nargs="?", const="luminance", choices=PRESERVE_COLOR_CHOICES,
        default=TransferOptions.preserve_color,
        help="keep the content's colours: luminance keeps the colour of every pixel (the choice "
        "if no value follows), match keeps the palette (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--size", type=int, metavar="N", default=TransferOptions.size,
        help="longer side of the output in pixels (default: the content's)",
    )  # fmt: skip
    add_stroke_size(command)
    add_quality(command)
    add_output(command, "a .png, .jpg, .webp or .tif file for one content, or a folder")
    add_output_options(command)
    add_model_location(command, "transfer")


def _transfer(args: argparse.Namespace) -> None:
    from stylefuse.loading import model_loader
    from stylefuse.painting.transfer import transfer_style

    result = transfer_style(
        args.content,
        args.style,
        args.out,
        TransferOptions(
            args.strength,
            args.preserve_color,
            args.size,
            stroke_size=args.stroke_size,
            quality=args.quality,
        ),
        model_loader("transfer", args.model),
        args.each_style,
        output_options(args),
    )
    report(result, args)


def _add_fuse(commands: Subparsers) -> None:
    command = commands.add_parser("fuse", help="fuse two pictures into one")
    command.set_defaults(run=_fuse)
    command.add_argument(
        "a", type=Path, metavar="A", help="a picture file; the output has its size"
    )
    command.add_argument("b", type=Path, metavar="B", help="another picture file")
    command.add_argument(
        "--content-balance", type=share, metavar="SHARE", default=FusionOptions.content_balance,
        help="0 shows the content of B, 1 that of A (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--style-balance", type=share, metavar="SHARE", default=FusionOptions.style_balance,
        help="0 paints in the style of B, 1 in that of A (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--detail-balance", type=share, metavar="SHARE", default=FusionOptions.detail_balance,
        help="the style balance of the strokes alone (default: the style balance)",
    )  # fmt: skip
    command.add_argument(
        "--mode", choices=FUSION_MODES, default=FusionOptions.mode,
        help="where A shows: saliency, where it has more detail than B; mask, where --mask is "
        "white; scalar, everywhere, blended with B; auto is mask if one is given, else saliency "
        "(default: %(default)s)",
    )  # fmt: skip
    command.add_argument("--mask", type=Path, metavar="PICTURE", help="white where A shows")
    add_styles(command, "paint in this style instead of those of A and B")
    command.add_argument(
        "--style-by-region", action="store_true",
        help="paint what shows of A in A's style, and what shows of B in B's",
    )  # fmt: skip
    command.add_argument(
        "--seamless", action="store_true", help="join A and B by their gradients (Poisson blending)"
    )
    add_stroke_size(command)
    add_quality(command)
    add_output(command, "a .png, .jpg, .webp or .tif file, or a folder")
    add_output_options(command, several=False)
    add_model_location(command, "transfer")


def _fuse(args: argparse.Namespace) -> None:
    from stylefuse.loading import model_loader
    from stylefuse.painting.fuse import fuse_pictures

    result = fuse_pictures(
        args.a,
        args.b,
        args.mask,
        args.style,
        args.out,
        FusionOptions(
            args.content_balance,
            args.style_balance,
            args.detail_balance,
            args.mode,
            args.style_by_region,
            args.seamless,
            stroke_size=args.stroke_size,
            quality=args.quality,
        ),
        model_loader("transfer", args.model),
        output_options(args),
    )
    report(result, args)


def _add_restore(commands: Subparsers) -> None:
    command = commands.add_parser("restore", help="restore old and damaged photographs")
    command.set_defaults(run=_restore)
    command.add_argument(
        "image", nargs="+", type=pattern, help="picture files, folders or glob patterns"
    )
    command.add_argument(
        "--strength", type=share, metavar="SHARE", default=RestoreOptions.strength,
        help="0 changes nothing, 1 restores fully (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--mask", type=Path, metavar="PICTURE",
        help="fill and restore only where this picture is white",
    )  # fmt: skip
    command.add_argument(
        "--only", type=names, metavar="KINDS", default=RestoreOptions.only,
        help=f"mend these kinds of damage, even if they are not detected, and no others: "
        f"{', '.join(MENDABLE)}; several are separated by commas",
    )  # fmt: skip
    command.add_argument(
        "--keep", type=names, metavar="KINDS", default=RestoreOptions.keep,
        help="leave these kinds of damage as they are",
    )  # fmt: skip
    command.add_argument(
        "--scale", type=int, choices=SCALES, default=RestoreOptions.scale,
        help="enlarge the restored picture so many times (default: %(default)s)",
    )  # fmt: skip
    add_output(command, "a .png, .jpg, .webp or .tif file for one picture, or a folder")
    add_output_options(command)
    add_model_location(command, "restore")


def _restore(args: argparse.Namespace) -> None:
    from stylefuse.loading import model_loader
    from stylefuse.painting.restore import restore_pictures

    result = restore_pictures(
        args.image,
        args.out,
        RestoreOptions(args.strength, args.only, args.keep, args.scale),
        model_loader("restore", args.model),
        output_options(args),
        args.mask,
    )
    report(result, args)


def _add_portrait(commands: Subparsers) -> None:
    command = commands.add_parser("portrait", help="generate portraits of invented characters")
    command.set_defaults(run=_portrait)
    command.add_argument(
        "--count", type=int, metavar="N", default=1, help="number of portraits (default: 1)"
    )
    command.add_argument(
        "--seed", type=int, metavar="N", default=0,
        help="character number of the first portrait; the others count up. A number always gives "
        "the same character (default: 0)",
    )  # fmt: skip
    command.add_argument(
        "--blend-with", type=int, metavar="SEED", default=PortraitOptions.towards,
        help="blend every portrait with this character",
    )  # fmt: skip
    command.add_argument(
        "--blend", type=share, metavar="SHARE", default=PortraitOptions.blend,
        help="share of that character in the blend (default: %(default)s)",
    )  # fmt: skip
    add_styles(command, "paint the portraits in this style, with the default transfer model")
    add_output(command, "a folder")
    add_output_options(command)
    add_model_location(command, "portrait")


def _portrait(args: argparse.Namespace) -> None:
    from stylefuse.loading import model_loader
    from stylefuse.painting.portrait import generate_portraits

    result = generate_portraits(
        range(args.seed, args.seed + args.count),
        args.style,
        args.out,
        PortraitOptions(args.blend_with, args.blend),
        model_loader("portrait", args.model),
        model_loader("transfer", None),
        output_options(args),
    )
    report(result, args)


def report(result: "BatchResult", args: argparse.Namespace) -> None:
    """Print the outcome of a batch; failures end the command with a message."""
    if args.json:
        print_json(result.to_dict())
    if skipped := len(result.skipped):
        total = skipped + len(result.painted) + len(result.failed)
        sys.stderr.write(f"skipped {skipped} of {total} pictures whose output exists\n")
    result.raise_failures()
    if not args.json:
        print_path(args.out)
