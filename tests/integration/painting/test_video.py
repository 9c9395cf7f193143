"""Painted videos: all frames, in their size and order, with their sound."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stylefuse.errors import UserError
from stylefuse.painting import video as video_module
from stylefuse.painting.ffmpeg import open_video, read_frames
from tests.support.painting import video

FRAMES, RATE = 6, 12
pytestmark = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")


@pytest.fixture(autouse=True)
def source(folder):
    """The video `in.mp4`, whose colours change, with a tone."""
    picture = f"testsrc=size=66x48:rate={RATE}:duration={FRAMES / RATE}"
    tone = f"sine=frequency=440:duration={FRAMES / RATE}"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone,
         "-pix_fmt", "yuv420p", "in.mp4"], check=True,
    )  # fmt: skip


def probe(path):
    """ffprobe's entries of the streams, by their type."""
    entries = "stream=codec_type,width,height,nb_read_frames,avg_frame_rate"
    process = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_entries", entries, "-of", "json", path],
        capture_output=True, check=True,
    )  # fmt: skip
    return {stream["codec_type"]: stream for stream in json.loads(process.stdout)["streams"]}


def first_frame(path):
    process = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt",
         "rgb24", "-"], capture_output=True, check=True,
    )  # fmt: skip
    return np.frombuffer(process.stdout, np.uint8).astype(int)


@pytest.mark.parametrize("out", ["out.mp4", "out.mkv", "out.mov"])
def test_frames_rate_and_sound_are_kept(folder, out):
    video("in.mp4", out)
    streams = probe(out)
    assert (streams["video"]["width"], streams["video"]["height"]) == (66, 48)
    assert int(streams["video"]["nb_read_frames"]) == FRAMES
    assert streams["video"]["avg_frame_rate"] == f"{RATE}/1"
    assert "audio" in streams
    assert abs(first_frame(out) - first_frame("in.mp4")).mean() > 5
    assert not list(folder.glob(".*.part"))


def test_the_size_option_is_the_longer_side():
    video("in.mp4", "out.mp4", size=33)
    stream = probe("out.mp4")["video"]
    assert (stream["width"], stream["height"]) == (32, 24)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"out": "out.gif"}, "output-format-unsupported"),
        ({"source": "none.mp4"}, "video-missing"),
        ({"source": "style.png", "out": "style.png"}, "output-format-unsupported"),
        ({"source": "table.csv"}, "video-unreadable"),
        ({"source": "text.jpg"}, "video-unreadable"),
        ({"source": "style.png"}, "video-is-a-picture"),
        ({"out": "in.mp4"}, "output-replaces-input"),
        ({"size": 9999}, "option-out-of-range"),
        ({"out": "folder.mp4"}, "file-not-writable"),
    ],
)
def test_what_cannot_be_painted_is_refused(arguments, code):
    Path("text.jpg").write_text("not a picture")
    Path("folder.mp4").mkdir()
    Path("table.csv").write_text("frame,colour\n")
    with pytest.raises(UserError) as error:
        video(**{"source": "in.mp4", "out": "out.mp4"} | arguments)
    assert error.value.code == code
    assert not Path("out.mp4").exists()


def test_a_missing_ffmpeg_is_reported_with_what_installs_it(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="apt install ffmpeg") as error:
        video("in.mp4", "out.mp4")
    assert error.value.code == "ffmpeg-missing"


def test_a_video_without_frames_is_an_error_and_nothing_is_written(monkeypatch):
    """As where the file says that a frame is shown for hours."""
    monkeypatch.setattr(
        video_module, "open_video", lambda *args: replace(open_video(*args), frame_count=1)
    )
    monkeypatch.setattr(video_module, "read_frames", lambda _: iter(()))
    with pytest.raises(UserError) as error:
        video("in.mp4", "out.mp4")
    assert error.value.code == "video-frames-missing"
    assert not Path("out.mp4").exists()


def test_lost_frames_are_an_error_and_nothing_is_written(monkeypatch):
    monkeypatch.setattr(
        video_module, "read_frames", lambda video: iter(list(read_frames(video))[:2])
    )
    with pytest.raises(UserError) as error:
        video("in.mp4", "out.mp4")
    assert error.value.code == "video-frames-missing"
    assert not Path("out.mp4").exists()
