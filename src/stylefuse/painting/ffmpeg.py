"""Reading and writing videos with ffmpeg: upright frames of square pixels, and their sound."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO, Any

import numpy as np

from stylefuse.errors import FULL_DISK_FREE_BYTES, UserError, disk_full_error

CONTAINERS = {".mp4": "mp4", ".mkv": "matroska", ".mov": "mov"}  # suffix → ffmpeg's name
COMMON_SOUND = {"aac", "ac3", "alac", "eac3", "mp3"}
KEPT_SOUND = {  # suffix → codecs that players expect in it; others are encoded anew
    ".mp4": {*COMMON_SOUND, "opus"},
    ".mov": {*COMMON_SOUND, "pcm_s16be", "pcm_s16le", "pcm_s24be", "pcm_s24le"},
    ".mkv": {*COMMON_SOUND, "dts", "flac", "opus", "pcm_s16le", "pcm_s24le", "vorbis"},
}
NEW_SOUND = ("aac", "192k")  # codec and bit rate
DEMUXERS = (  # of single files: a playlist would open other files and addresses, without end
    "3g2,3gp,apng,asf,avi,dv,flv,gif,h264,hevc,image2,ivf,m4v,matroska,mj2,mjpeg,mov,mp4,mpeg,"
    "mpegts,mpegvideo,mxf,nut,ogg,rawvideo,rm,webm,wtv,yuv4mpegpipe,bmp_pipe,jpeg_pipe,png_pipe,"
    "tiff_pipe,webp_pipe"
)
SAFE = ("-v", "error", "-protocol_whitelist", "file,pipe", "-format_whitelist", DEMUXERS)
MAX_SIDE = 8192  # pixels of a frame
DEFAULT_FRAME_RATE = Fraction(25)  # of a video with one frame, whose rate means nothing
MAX_RATE_DENOMINATOR = 1001  # of NTSC's rates
USUAL_FRAME_RATE = 120  # a higher one is a slow-motion camera's, or a file's smallest unit of time
CUT_SHORT = 0.9  # share of the stated duration below which a video is refused
MIN_HD_HEIGHT = 720  # ITU-R BT.709 is the rule from here on where a file does not state its matrix
MATRICES = {  # ffprobe's color_space → the scale filter's name
    "bt709": "bt709", "smpte170m": "bt601", "bt470bg": "bt601", "fcc": "fcc",
    "smpte240m": "smpte240m", "bt2020nc": "bt2020", "bt2020c": "bt2020",
}  # fmt: skip
INTERLACED = {"tt", "bb", "tb", "bt"}  # ffprobe's field_order
DEINTERLACING = "bwdif=mode=send_frame:deint=interlaced"
HDR_TRANSFERS = {"smpte2084", "arib-std-b67"}  # PQ and HLG, ITU-R BT.2100
REFERENCE_WHITE = 203  # candela per square metre, ITU-R BT.2408
TONE_MAPPING = (
    "zscale=tin={transfer}:pin=bt2020:min=bt2020nc:t=linear:npl={white},format=gbrpf32le,"
    "zscale=p=bt709,tonemap=mobius:param=0.5:desat=0,zscale=t=bt709:m=bt709:r=tv,format=yuv444p"
)


@dataclass(frozen=True)
class Video:
    """A video as it is painted.

    Attributes:
        path: of the file.
        width, height: of a frame in pixels, upright, with square pixels, scaled; even.
        frame_rate: frames per second.
        frame_count: how many frames `read_frames` yields, but for one or two.
        filters: of ffmpeg, from the file's frames to those that are painted.
        sounds: codecs of its sound streams.
    """

    path: Path
    width: int
    height: int
    frame_rate: Fraction
    frame_count: int
    filters: str
    sounds: tuple[str, ...]


def open_video(path: Path, longer_side: int, report: Callable[[float], None]) -> Video:
    """Read what a file says of itself, and decode it once to find out whether that is true.

    Decoding takes a hundredth of the time of painting.

    Args:
        path: of the file.
        longer_side: of the painted frames in pixels; 0 is the video's own.
        report: called with the share that is decoded, 0…1.

    Raises:
        UserError: ffmpeg is missing, or the file is not a video that ffmpeg can read, or much
            shorter than it says.
    """
    if not (shutil.which("ffmpeg") and shutil.which("ffprobe")):
        raise UserError(
            "ffmpeg is not installed; on Debian, `apt install ffmpeg` installs it",
            code="ffmpeg-missing",
        )
    if not path.is_file():
        problem = f"{path} is not a file" if path.exists() else f"there is no {path}"
        raise UserError(f"{problem}; name a video file", code="video-missing")
    if not os.access(path, os.R_OK):
        raise UserError(
            f"{path} cannot be read: you have no permission for it", code="video-unreadable"
        )
    command = ["ffprobe", *SAFE, "-show_streams", "-show_format", "-of", "json", _file(path)]
    probe = subprocess.run(command, capture_output=True)
    try:
        content = json.loads(probe.stdout)
        container = content["format"].get("format_name", "")
        streams = content["streams"]
        stream = next(filter(_is_picture_stream, streams))
        if max(stream["width"], stream["height"]) > MAX_SIDE:
            raise UserError(
                f"the frames of {path} have more than the {MAX_SIDE:,} pixels along a side that "
                "are allowed; scale the video down first",
                code="video-too-large",
            )
        width, height = _size(stream, longer_side)
        stated = _stated_seconds(stream)
        count, seconds = _decode_once(path, lambda at: report(min(at / (stated or at), 1)))
    except (ValueError, KeyError, ZeroDivisionError, StopIteration):
        raise UserError(
            f"{path} is not a video that ffmpeg can read; name another file",
            code="video-unreadable",
        ) from None
    if container == "image2" or container.endswith("_pipe"):
        raise UserError(
            f"{path} is a picture; use `stylefuse transfer` to paint it",
            code="video-is-a-picture",
        )
    if seconds < CUT_SHORT * stated - 1:
        raise UserError(
            f"{path} is cut short: of {stated:.1f} seconds, {seconds:.1f} can be read; "
            "`ffmpeg -i VIDEO -c copy WHOLE.mkv` makes a whole video of them",
            code="video-cut-short",
        )
    rate = _frame_rate(stream, count, seconds)
    sounds = tuple(s.get("codec_name", "") for s in streams if s.get("codec_type") == "audio")
    return Video(
        path, width, height, rate, max(1, round(rate * Fraction(seconds))),
        _filters(stream, width, height, rate), sounds,
    )  # fmt: skip


def _file(path: Path) -> str:
    """A path as ffmpeg takes it, whatever colons and dashes are in it."""
    return f"file:{path}"


def _is_picture_stream(stream: Mapping[str, Any]) -> bool:
    is_cover = stream.get("disposition", {}).get("attached_pic")
    return stream.get("codec_type") == "video" and not is_cover


def _size(stream: Mapping[str, Any], longer_side: int) -> tuple[int, int]:
    """Width and height of the painted frames in pixels."""
    sides: list[Fraction] = [Fraction(stream["width"]), Fraction(stream["height"])]
    if not min(sides):
        raise ValueError("there are no frames")
    pixel_aspect = _ratio(stream.get("sample_aspect_ratio", "1:1").replace(":", "/"))
    if pixel_aspect:
        sides[pixel_aspect < 1] *= pixel_aspect if pixel_aspect > 1 else 1 / pixel_aspect
    rotations = [int(data.get("rotation", 0)) for data in stream.get("side_data_list", [])]
    if any(abs(rotation % 180 - 90) <= 1 for rotation in rotations):  # ffmpeg exchanges them, too
        sides.reverse()
    longest = float(max(sides))
    scale = (longer_side or min(MAX_SIDE, longest)) / longest
    # the codec's chroma subsampling needs even sides
    width, height = (max(2, round(side * scale / 2) * 2) for side in sides)
    return width, height


def _ratio(text: str) -> Fraction:
    """A ratio like "30000/1001"; 0 if it is not known."""
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return Fraction(0)


def _stated_seconds(stream: Mapping[str, Any]) -> float:
    """The duration that a file states for its frames; 0 if it does not."""
    if "duration" in stream:
        return float(stream["duration"])
    try:  # Matroska: hours:minutes:seconds
        hours, minutes, seconds = stream.get("tags", {}).get("DURATION", "").split(":")
        return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
    except (ValueError, OverflowError):
        return 0.0


def _decode_once(path: Path, report: Callable[[float], None]) -> tuple[int, float]:
    """How many frames can be decoded, and for how many seconds they are shown.

    Raises:
        ValueError: there are none.
    """
    command = [
        "ffmpeg", "-nostdin", *SAFE, "-i", _file(path), "-map", "0:V:0", "-vsync", "passthrough",
        "-progress", "-", "-f", "null", "-",
    ]  # fmt: skip
    count, seconds = 0, 0.0
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                name, _, value = line.strip().partition("=")
                if name == "frame":
                    count = int(value)
                elif name == "out_time_us" and value.isdecimal():  # "N/A" before the first frame
                    seconds = int(value) / 1e6
                    report(seconds)
        finally:
            process.kill()  # does nothing once it has ended
    if not count:
        raise ValueError("no frame can be decoded")
    return count, seconds


def _frame_rate(stream: Mapping[str, Any], count: int, seconds: float) -> Fraction:
    """Frames per second: what the file states, unless it is much more than can be counted."""
    has_duration = count > 1 and seconds > 0
    counted = Fraction(count / seconds) if has_duration else DEFAULT_FRAME_RATE
    most = max(Fraction(USUAL_FRAME_RATE), 2 * counted)
    stated = (_ratio(stream.get(name, "")) for name in ("avg_frame_rate", "r_frame_rate"))
    return next(
        (r for r in stated if 0 < r <= most), counted.limit_denominator(MAX_RATE_DENOMINATOR)
    )


def _filters(stream: Mapping[str, Any], width: int, height: int, rate: Fraction) -> str:
    """What makes frames for the generator of decoded ones; ffmpeg has turned them upright."""
    is_interlaced = stream.get("field_order") in INTERLACED
    filters = [*([DEINTERLACING] if is_interlaced else []), f"fps={rate}"]
    transfer = stream.get("color_transfer")
    default = "bt709" if stream["height"] >= MIN_HD_HEIGHT else "bt601"
    matrix = MATRICES.get(stream.get("color_space", ""), default)
    if transfer in HDR_TRANSFERS:
        filters.append(TONE_MAPPING.format(transfer=transfer, white=REFERENCE_WHITE))
        matrix = "bt709"
    filters.append(f"scale={width}:{height}:flags=lanczos:in_color_matrix={matrix},setsar=1")
    return ",".join(filters)


def read_frames(video: Video) -> Iterator[np.ndarray]:
    """The frames of a video in their order, uint8 `[height, width, 3]`."""
    command = [
        "ffmpeg", "-nostdin", *SAFE, "-i", _file(video.path), "-map", "0:V:0",
        "-vf", video.filters, "-vsync", "passthrough", "-f", "rawvideo", "-pix_fmt", "rgb24", "-",
    ]  # fmt: skip
    shape = video.height, video.width, 3
    frame_bytes = video.height * video.width * 3
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # `open_video` saw the same
    ) as decoder:
        assert decoder.stdout is not None
        try:
            while len(data := decoder.stdout.read(frame_bytes)) == frame_bytes:
                yield np.frombuffer(data, np.uint8).reshape(shape)
        finally:
            decoder.kill()  # does nothing once it has ended
            decoder.stdout.close()


@contextmanager
def sound_file(video: Video, suffix: str) -> Iterator[Path | None]:
    """The sound of a video in a temporary file, ready for a container; None if it has none.

    Sound is copied where the container holds it, else encoded. That happens before a video is
    painted, so that broken sound is found at once.

    Args:
        video: as `open_video` returns it.
        suffix: of the container, a key of `CONTAINERS`.

    Raises:
        UserError: ffmpeg cannot read the sound.
    """
    if not video.sounds:
        yield None
        return
    codec, bit_rate = NEW_SOUND
    choices: list[str] = []
    for index, name in enumerate(video.sounds):
        if name in KEPT_SOUND[suffix]:
            choices += [f"-c:a:{index}", "copy"]
        else:
            choices += [f"-c:a:{index}", codec, f"-b:a:{index}", bit_rate]
    with tempfile.TemporaryDirectory(prefix="stylefuse-") as folder:
        path = Path(folder) / "sound.mka"
        command = [
            "ffmpeg", "-nostdin", *SAFE, "-y", "-i", _file(video.path), "-map", "0:a", *choices,
            "-f", "matroska", _file(path),
        ]  # fmt: skip
        process = subprocess.run(command, capture_output=True)
        if process.returncode:
            raise UserError(
                f"the sound of {video.path} cannot be read: {_last_line(process.stderr)}; "
                "`ffmpeg -i VIDEO -an -c copy SILENT.mkv` makes a video without it",
                code="video-sound-unreadable",
            )
        yield path


@contextmanager
def encoder(video: Video, sound: Path | None, out: Path, suffix: str) -> Iterator[IO[bytes]]:
    """A pipe that takes raw RGB frames and writes them as H.264 in ITU-R BT.709, with sound.

    Args:
        video: whose size and rate the frames have.
        sound: as `sound_file` returns it.
        out: the file.
        suffix: of the container, a key of `CONTAINERS`.

    Raises:
        UserError: ffmpeg cannot write the video.
    """
    sound_options = ["-i", _file(sound), "-map", "1:a", "-c:a", "copy"] if sound else []
    command = [
        "ffmpeg", "-nostdin", *SAFE, "-y", "-f", "rawvideo", "-pix_fmt", "rgb24",
        "-s", f"{video.width}x{video.height}", "-r", str(video.frame_rate), "-i", "pipe:0",
        *sound_options, "-map", "0:v", "-vf", "scale=out_color_matrix=bt709:out_range=tv",
        "-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p", "-color_range", "tv",
        "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709",
        "-f", CONTAINERS[suffix], _file(out),
    ]  # fmt: skip
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None and process.stderr is not None
    try:
        yield process.stdin
        process.stdin.close()
        messages = process.stderr.read()
        if process.wait():
            raise _encoding_error(messages, out)
    except BrokenPipeError:
        raise _encoding_error(process.stderr.read(), out) from None
    finally:
        process.kill()
        process.wait()


def _encoding_error(messages: bytes, out: Path) -> UserError:
    if shutil.disk_usage(out.parent).free < FULL_DISK_FREE_BYTES:  # ffmpeg may give another reason
        return disk_full_error(out.parent)
    return UserError(
        f"ffmpeg could not write the video: {_last_line(messages)}", code="video-not-written"
    )


def _last_line(messages: bytes) -> str:
    lines = messages.decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no reason given"
