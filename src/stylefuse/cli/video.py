"""The command that paints videos."""

import argparse
from pathlib import Path

from stylefuse.cli.arguments import (
    Subparsers,
    add_model_location,
    add_output,
    add_stroke_size,
    add_styles,
    print_path,
    share,
)
from stylefuse.inference.options import TransferOptions


def add_video_command(commands: Subparsers) -> None:
    """Add `stylefuse video`."""
    command = commands.add_parser("video", help="paint a video in one style, with ffmpeg")
    command.set_defaults(run=_video)
    command.add_argument("video", type=Path, metavar="VIDEO", help="a file that ffmpeg can read")
    add_styles(command, "several styles are mixed by weight", required=True)
    command.add_argument(
        "--strength", type=share, metavar="SHARE", default=TransferOptions.strength,
        help="opacity of the painting: 0 is the video itself, 1 hides it (default: %(default)s)",
    )  # fmt: skip
    command.add_argument(
        "--size", type=int, metavar="N", default=TransferOptions.size,
        help="longer side of the output in pixels (default: the video's)",
    )  # fmt: skip
    add_stroke_size(command)
    add_output(command, "an .mp4, .mkv or .mov file")
    add_model_location(command, "transfer")


def _video(args: argparse.Namespace) -> None:
    from stylefuse.loading import model_loader
    from stylefuse.painting.video import paint_video

    paint_video(
        args.video,
        args.style,
        args.out,
        TransferOptions(args.strength, size=args.size, stroke_size=args.stroke_size),
        model_loader("transfer", args.model),
    )
    print_path(args.out)
