"""`stylefuse video`: paint a video in one style; ffmpeg decodes and encodes the frames."""

from collections.abc import Sequence
from pathlib import Path

from stylefuse.errors import UserError
from stylefuse.fileio import resolved, write_atomically
from stylefuse.inference.options import TransferOptions
from stylefuse.inference.video import VideoStylizer
from stylefuse.painting.batch import ModelLoader
from stylefuse.painting.ffmpeg import (
    CONTAINERS,
    MAX_SIDE,
    encoder,
    open_video,
    read_frames,
    sound_file,
)
from stylefuse.painting.files import refuse_overwriting_inputs, refuse_unwritable
from stylefuse.painting.progress import progress_bar
from stylefuse.painting.styles import read_styles

MAX_MISSING = 2  # frames, by which a count from the duration may be off


def paint_video(
    source: Path,
    styles: Sequence[str],
    out: Path,
    options: TransferOptions,
    load_model: ModelLoader,
) -> None:
    """Paint a video in one style without flicker (see `stylefuse.inference.video`); its sound is
    kept.

    Args:
        source: a file that ffmpeg can read.
        styles: `PATH` or `PATH:WEIGHT`, mixed by weight.
        out: a file with a suffix of `CONTAINERS`; an existing one is replaced once the new one is
            complete.
        options: strength, size and stroke size of the transfer.
        load_model: loads a transfer model.

    Raises:
        UserError: ffmpeg, a file or the model is missing, or ffmpeg cannot read or write it.
    """
    suffix = out.suffix.lower()
    if suffix not in CONTAINERS:
        raise UserError(
            f"{out} cannot be written in this format; use a name that ends in "
            f"{', '.join(CONTAINERS)}",
            code="output-format-unsupported",
        )
    if options.size > MAX_SIDE:
        raise UserError(
            f"size {options.size} is more than the {MAX_SIDE} pixels that the codec allows; give a "
            "smaller size",
            code="option-out-of-range",
        )
    if out.is_dir():
        raise UserError(f"{out} is a folder; name a file", code="file-not-writable")
    style_mix = read_styles(styles)
    refuse_overwriting_inputs([source, *style_mix.paths], [out])
    refuse_unwritable([out])
    with progress_bar(1) as bar, bar.item() as item:
        bar.show("checking the video")
        video = open_video(source, options.size, item.reach)
    with sound_file(video, suffix) as sound, progress_bar(video.frame_count) as bar:
        predictor = load_model().predictor
        code = style_mix.mix(predictor).code
        stylizer = VideoStylizer(predictor.stylizer, code, options)
        bar.describe("painting")

        def write(draft: Path) -> None:
            count = 0
            with encoder(video, sound, draft, suffix) as frames:
                for count, frame in enumerate(read_frames(video), 1):  # noqa: B007
                    frames.write(stylizer.render_frame(frame).tobytes())
                    bar.advance()
            if not count or count < video.frame_count - MAX_MISSING:
                raise UserError(
                    f"of the {video.frame_count} frames of {source}, ffmpeg gave {count} this "
                    "time; nothing is written",
                    code="video-frames-missing",
                )

        write_atomically(resolved(out), write)  # a link is followed, not replaced
