"""The work of `stylefuse film`: frames come from ffmpeg, and go to it."""

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np

from stylefuse.config import Params
from stylefuse.errors import UserError
from stylefuse.fileio import write_atomically
from stylefuse.inference.options import TransferOptions
from stylefuse.models.transfer import TASK
from stylefuse.painting.files import refuse_overwriting_inputs, refuse_unwritable
from stylefuse.painting.progress import bar
from stylefuse.painting.styles import read_styles
from stylefuse.registry.fetch import fetch_model

SUFFIXES = (".mp4", ".mkv", ".mov")
QUIET = ("-nostdin", "-v", "error", "-protocol_whitelist", "file,pipe")


class Reel(NamedTuple):
    """What a film is: size as it is shown, frames per second, and about how many there are."""

    width: int
    height: int
    rate: Fraction
    frames: int


def film(
    source: Path,
    styles: Sequence[str],
    out: Path,
    options: TransferOptions,
    model: str | None,
    params: Params,
) -> None:
    """Paint a film in one style that does not flicker (see `models.transfer.film`); its sound is
    kept.

    Args:
        source: a file that ffmpeg reads.
        styles: `PATH` or `PATH:WEIGHT`, mixed by weight.
        out: a file that ends in one of `SUFFIXES`; the same name is replaced once all is painted.
        options: strength and size.
        model: see `fetch_model`.
        params: tell the registry and the limits.

    Raises:
        UserError: ffmpeg, a file or the model is missing, or ffmpeg cannot read or write it.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise UserError(f"{out} cannot be written; end its name in {', '.join(SUFFIXES)}")
    most = params.serve.max_side
    if options.size > most:
        raise UserError(f"size {options.size} is more than the {most} pixels allowed")
    given = read_styles(styles, params.serve.max_pixels)
    refuse_overwriting_inputs([source, *given.paths], [out])
    refuse_unwritable([out])
    reel = look(source, options.size or most, enlarge=bool(options.size))
    with bar(reel.frames) as shown:
        predictor = fetch_model(TASK, model, params).predictor
        from stylefuse.inference.video import VideoStylizer

        code = predictor.style_code(given.pictures, given.weights)
        painter = VideoStylizer(predictor.stylizer, code, options.strength)
        shown.say("painting")

        def write(draft: Path) -> None:
            with _encoder(source, draft, reel, out.suffix[1:]) as sink:
                for frame in _frames(source, reel):
                    sink.write(painter.frame(frame).tobytes())
                    shown.advance()

        write_atomically(out, write)


def look(source: Path, most: int, enlarge: bool) -> Reel:
    """What a film is, no larger than `most` pixels on its longer side, or as large as that.

    Raises:
        UserError: ffmpeg is missing, or reads no film in it.
    """
    if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
        raise UserError("ffmpeg is not installed; on Debian `apt install ffmpeg` brings it")
    if not source.is_file():
        raise UserError(f"there is no {source}; name a film")
    asked = (
        "stream=width,height,avg_frame_rate:stream_side_data=rotation:format=duration,format_name"
    )
    command = ["ffprobe", *QUIET[1:], "-select_streams", "v:0", "-show_entries", asked]
    done = subprocess.run([*command, "-of", "json", str(source)], capture_output=True, text=True)
    try:
        told = json.loads(done.stdout)
        (stream,) = told["streams"]
        rate = Fraction(stream["avg_frame_rate"])
        seconds = float(told.get("format", {}).get("duration", 0))
        sides = [stream["width"], stream["height"]]
        turns = [int(data.get("rotation", 0)) for data in stream.get("side_data_list", [])]
        scale = most / max(sides)
    except (ValueError, KeyError, ZeroDivisionError):
        raise UserError(f"{source} is not a film that ffmpeg can read") from None
    if any(turn % 180 for turn in turns):
        sides.reverse()
    kind = told["format"].get("format_name", "")
    if kind == "image2" or kind.endswith("_pipe"):
        raise UserError(f"{source} is a picture; `stylefuse transfer` paints it")
    scale = scale if enlarge else min(1.0, scale)
    width, height = (max(2, round(side * scale / 2) * 2) for side in sides)  # as codecs want it
    return Reel(width, height, rate, round(seconds * rate))


def _frames(source: Path, reel: Reel) -> Iterator[np.ndarray]:
    """The frames, uint8 `[height, width, 3]`."""
    size = f"scale={reel.width}:{reel.height}:flags=lanczos,fps={reel.rate}"
    command = ["ffmpeg", *QUIET, "-i", str(source), "-map", "0:v:0", "-vf", size]
    shape = reel.height, reel.width, 3
    with subprocess.Popen(
        [*command, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], stdout=subprocess.PIPE
    ) as decoder:
        assert decoder.stdout is not None
        try:
            while len(data := decoder.stdout.read(int(np.prod(shape)))) == np.prod(shape):
                yield np.frombuffer(data, np.uint8).reshape(shape)
        finally:
            decoder.stdout.close()


@contextlib.contextmanager
def _encoder(source: Path, out: Path, reel: Reel, kind: str) -> Iterator[IO[bytes]]:
    """Takes frames, and makes a film of them with the source's sound."""
    formats = {"mp4": "mp4", "mkv": "matroska", "mov": "mov"}
    command = [
        "ffmpeg", *QUIET, "-y", "-f", "rawvideo", "-pix_fmt", "rgb24",
        "-s", f"{reel.width}x{reel.height}", "-r", str(reel.rate), "-i", "pipe:0",
        "-i", str(source), "-map", "0:v", "-map", "1:a?", "-c:a", "copy",
        "-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p",
        "-f", formats[kind.lower()], str(out),
    ]  # fmt: skip
    encoder = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert encoder.stdin is not None and encoder.stderr is not None
    try:
        yield encoder.stdin
        encoder.stdin.close()
        told = encoder.stderr.read().decode(errors="replace").strip().splitlines()
        if encoder.wait():
            raise UserError(f"ffmpeg could not write the film: {told[-1] if told else 'no reason'}")
    except BrokenPipeError:
        told = encoder.stderr.read().decode(errors="replace").strip().splitlines()
        raise UserError(f"ffmpeg could not write the film: {told[-1] if told else ''}") from None
    finally:
        encoder.kill()
        encoder.wait()
