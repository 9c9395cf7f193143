"""Videos that are odd: turned, interlaced, broken in their header, or no videos at all."""

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from stylefuse.errors import UserError
from stylefuse.fileio import resolved
from stylefuse.painting import ffmpeg
from stylefuse.painting.ffmpeg import encoder, open_video, read_frames
from tests.integration.painting.test_ffmpeg import HEIGHT, WIDTH, folder, make  # noqa: F401

pytestmark = [
    pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg"),
    pytest.mark.usefixtures("folder"),
]
ONE = 1 << 16  # of a display matrix, as fixed-point number
MATRIX_PLACE = 44  # of the box "tkhd", from its name


def opened(path):
    return open_video(Path(path), 0, lambda _: None)


def with_matrix(*values: int) -> Path:
    """A video with the first two columns of a display matrix."""
    path = make("in.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p")
    data = bytearray(path.read_bytes())
    a, b, c, d = values
    place = data.index(b"tkhd") + MATRIX_PLACE
    struct.pack_into(">9i", data, place, a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("matrix", "red_at", "is_turned"),
    [
        ((ONE, 0, 0, ONE), (HEIGHT // 2, 4), False),
        ((-ONE, 0, 0, ONE), (HEIGHT // 2, -4), False),
        ((ONE, 0, 0, -ONE), (HEIGHT // 2, 4), False),
        ((-ONE, 0, 0, -ONE), (HEIGHT // 2, -4), False),
        ((0, ONE, -ONE, 0), (4, HEIGHT // 2), True),
        ((0, -ONE, ONE, 0), (-4, HEIGHT // 2), True),
        ((0, 0, 0, 0), (HEIGHT // 2, 4), False),
        ((46341, 46341, -46341, 46341), None, False),
    ],
)
def test_frames_are_as_the_display_matrix_says(matrix, red_at, is_turned):
    video = opened(with_matrix(*matrix))
    size = (HEIGHT, WIDTH) if is_turned else (WIDTH, HEIGHT)
    assert (video.width, video.height) == size
    frame = next(read_frames(video)).astype(int)
    if red_at:
        assert abs(frame[red_at] - (200, 40, 40)).max() < 40


def test_interlaced_frames_are_deinterlaced():
    path = make("in.mpg", "-vf", "tinterlace=interleave_top,fieldorder=tff", "-flags",
                "+ilme+ildct", "-c:v", "mpeg2video", "-q:v", "2")  # fmt: skip
    assert opened(path).filters.startswith("bwdif=")
    progressive = make("in.mp4", "-c:v", "libx264")
    assert "bwdif" not in opened(progressive).filters


@pytest.mark.parametrize(
    ("name", "options"),
    [("in.apng", ["-f", "apng"]), ("in.y4m", ["-f", "yuv4mpegpipe", "-pix_fmt", "yuv420p"])],
)
def test_animated_pngs_and_raw_videos_are_painted(name, options):
    frames = list(read_frames(opened(make(name, *options))))
    assert len(frames) == 8
    assert abs(np.mean(frames[0][:, :20], axis=(0, 1)) - (200, 40, 40)).max() < 20


def test_folders_pipes_and_links_to_themselves_are_named(tmp_path):
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    with pytest.raises(UserError, match=r"folder\.mp4 is not a file"):
        opened(tmp_path / "folder.mp4")
    with pytest.raises(UserError, match="null is not a file"):
        opened("/dev/null")
    with pytest.raises(UserError, match="a link that leads to itself"):
        resolved(tmp_path / "loop.mp4")


def test_a_full_disk_is_named(monkeypatch):
    video = opened(make("in.mp4", "-c:v", "libx264"))
    monkeypatch.setattr(ffmpeg, "FULL_DISK_FREE_BYTES", 1 << 60)
    Path("out.mp4").mkdir()  # ffmpeg cannot write it
    with pytest.raises(UserError) as error, encoder(video, None, Path("out.mp4"), ".mp4"):
        pass
    assert error.value.code == "disk-full"
