"""`stylefuse video`: paint a video in one style; ffmpeg decodes and encodes the frames."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from stylefuse.errors import UserError
from stylefuse.fileio import write_atomically
from stylefuse.inference.options import TransferOptions
from stylefuse.inference.video import VideoStylizer
from stylefuse.painting.batch import ModelLoader
from stylefuse.painting.files import refuse_overwriting_inputs, refuse_unwritable
from stylefuse.painting.progress import progress_bar
from stylefuse.painting.styles import read_styles

MAX_SIDE = 8192  # pixels of a frame
CONTAINERS = {".mp4": "mp4", ".mkv": "matroska", ".mov": "mov"}  # suffix → ffmpeg's name
SAFE = ("-v", "error", "-protocol_whitelist", "file,pipe")  # a playlist must not open addresses
PROBED_ENTRIES = (
    "stream=width,height,avg_frame_rate:stream_side_data=rotation:format=duration,format_name"
)


class VideoInfo(NamedTuple):
    """A video as it is painted.

    Attributes:
        width, height: of a frame in pixels, upright and scaled.
        frame_rate: frames per second.
        frame_count: an estimate, from the duration.
    """

    width: int
    height: int
    frame_rate: Fraction
    frame_count: int


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
    if out.suffix.lower() not in CONTAINERS:
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
    style_mix = read_styles(styles)
    refuse_overwriting_inputs([source, *style_mix.paths], [out])
    refuse_unwritable([out])
    video = probe_video(source, options.size)
    with progress_bar(video.frame_count) as bar:
        predictor = load_model().predictor
        code = predictor.style(style_mix.pictures, style_mix.weights).code
        stylizer = VideoStylizer(predictor.stylizer, code, options)
        bar.describe("painting")

        def write(draft: Path) -> None:
            with _encoder(source, draft, video, CONTAINERS[out.suffix.lower()]) as frames:
                for frame in _decode(source, video):
                    frames.write(stylizer.render_frame(frame).tobytes())
                    bar.advance()

        write_atomically(out.resolve(), write)  # a link is followed, not replaced


def probe_video(source: Path, longer_side: int) -> VideoInfo:
    """Ask ffprobe for the size and length of a video.

    Args:
        source: the file.
        longer_side: of the painted frames in pixels; 0 is the video's own.

    Raises:
        UserError: ffmpeg is missing, or cannot read a video in the file.
    """
    if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
        raise UserError(
            "ffmpeg is not installed; on Debian, `apt install ffmpeg` installs it",
            code="ffmpeg-missing",
        )
    if not source.is_file():
        raise UserError(f"there is no {source}; name a video file", code="video-missing")
    command = ["ffprobe", *SAFE, "-select_streams", "v:0", "-show_entries", PROBED_ENTRIES]
    probe = subprocess.run([*command, "-of", "json", str(source)], capture_output=True, text=True)
    try:
        content = json.loads(probe.stdout)
        container = content["format"].get("format_name", "")
        video = _video_info(content, longer_side)
    except (ValueError, KeyError, ZeroDivisionError):
        raise UserError(
            f"{source} is not a video that ffmpeg can read; name another file",
            code="video-unreadable",
        ) from None
    if container == "image2" or container.endswith("_pipe"):
        raise UserError(
            f"{source} is a picture; use `stylefuse transfer` to paint it",
            code="video-is-a-picture",
        )
    return video


def _video_info(content: dict[str, Any], longer_side: int) -> VideoInfo:
    (stream,) = content["streams"]
    frame_rate = Fraction(stream["avg_frame_rate"])
    seconds = float(content["format"].get("duration", 0))
    sides = [stream["width"], stream["height"]]
    if not min(sides):
        raise ValueError("there are no frames")
    rotations = [int(data.get("rotation", 0)) for data in stream.get("side_data_list", [])]
    if any(rotation % 180 for rotation in rotations):
        sides.reverse()
    scale = longer_side / max(sides) if longer_side else 1
    # the codec's chroma subsampling needs even sides
    width, height = (max(2, round(side * scale / 2) * 2) for side in sides)
    return VideoInfo(width, height, frame_rate, round(seconds * frame_rate))


def _decode(source: Path, video: VideoInfo) -> Iterator[np.ndarray]:
    """The frames of a video, uint8 `[height, width, 3]`."""
    filters = f"scale={video.width}:{video.height}:flags=lanczos,fps={video.frame_rate}"
    command = [
        "ffmpeg", "-nostdin", *SAFE, "-i", str(source), "-map", "0:v:0", "-vf", filters,
        "-f", "rawvideo", "-pix_fmt", "rgb24", "-",
    ]  # fmt: skip
    shape = video.height, video.width, 3
    frame_bytes = video.height * video.width * 3
    with subprocess.Popen(command, stdout=subprocess.PIPE) as decoder:
        assert decoder.stdout is not None
        try:
            while len(data := decoder.stdout.read(frame_bytes)) == frame_bytes:
                yield np.frombuffer(data, np.uint8).reshape(shape)
        finally:
            decoder.stdout.close()


@contextmanager
def _encoder(source: Path, out: Path, video: VideoInfo, container: str) -> Iterator[IO[bytes]]:
    """A pipe that takes raw RGB frames and encodes them with the sound of `source`."""
    command = [
        "ffmpeg", "-nostdin", *SAFE, "-y", "-f", "rawvideo", "-pix_fmt", "rgb24",
        "-s", f"{video.width}x{video.height}", "-r", str(video.frame_rate), "-i", "pipe:0",
        "-i", str(source), "-map", "0:v", "-map", "1:a?", "-c:a", "copy",
        "-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p",
        "-f", container, str(out),
    ]  # fmt: skip
    encoder = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert encoder.stdin is not None and encoder.stderr is not None
    try:
        yield encoder.stdin
        encoder.stdin.close()
        messages = encoder.stderr.read()
        if encoder.wait():
            raise _encoding_error(messages)
    except BrokenPipeError:
        raise _encoding_error(encoder.stderr.read()) from None
    finally:
        encoder.kill()
        encoder.wait()


def _encoding_error(messages: bytes) -> UserError:
    lines = messages.decode(errors="replace").strip().splitlines() or ["no reason given"]
    return UserError(f"ffmpeg could not write the video: {lines[-1]}", code="video-not-written")
