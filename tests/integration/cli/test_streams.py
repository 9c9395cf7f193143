"""Standard streams that are closed or broken, terminals, signals, and outputs that are no files."""

import os
import pty
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.support.program import ENVIRONMENT, PROGRAM, stylefuse
from tests.support.trainings import ROOT

MODEL = ROOT / "models/base/transfer"
EXAMPLES = ROOT / "examples"


@pytest.fixture
def command(tmp_path):
    """The arguments that paint a small photograph in `tmp_path` into the file that is appended."""
    small = Image.open(EXAMPLES / "photograph.jpg").resize((48, 32))
    small.save(tmp_path / "photo.png")
    options = ["--style", EXAMPLES / "painting.png", "--model", MODEL, "--quality", "fast", "-o"]
    return ["transfer", "photo.png", *map(str, options)]


def is_painted(path):
    return Image.open(path).size == (48, 32)


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_stream_is_no_obstacle(command, tmp_path, closed):
    line = f'"$@" {closed}'
    done = subprocess.run(
        ["bash", "-c", line, "bash", PROGRAM, *command, "out.png"], cwd=tmp_path, env=ENVIRONMENT
    )
    assert done.returncode == 0
    assert is_painted(tmp_path / "out.png")


def test_a_reader_that_has_gone_ends_it_silently(command, tmp_path):
    line = '"$@" | true; exit "${PIPESTATUS[0]}"'
    done = subprocess.run(
        ["bash", "-c", line, "bash", PROGRAM, *command, "out.png"],
        cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert done.returncode == 141
    assert "Traceback" not in done.stderr
    assert is_painted(tmp_path / "out.png")


def test_a_terminal_is_sent_no_control_characters_of_a_name(command, tmp_path):
    name = "red\x1b[31m\x07.png"
    assert stylefuse(tmp_path, *command, name).stdout == f"{name}\n"  # a pipe gets the name itself
    terminal, end = pty.openpty()
    subprocess.run([PROGRAM, *command, name], cwd=tmp_path, env=ENVIRONMENT, stdout=end, check=True)
    os.close(end)
    assert os.read(terminal, 1000).strip() == rb"red\x1b[31m\x07.png"
    (tmp_path / name).write_text("no picture")
    refused = stylefuse(tmp_path, "transfer", name, *command[2:], "out.png").stderr
    assert r"red\x1b[31m\x07.png is not a picture file" in refused
    assert "\x1b" not in refused


@pytest.mark.parametrize(
    ("encoding", "name", "printed"),
    [("ascii", "ünï.png", r"\xfcn\xef.png"), ("utf-8", "\udcff.png", r"\udcff.png")],
)
def test_a_name_that_stdout_cannot_encode_is_escaped(command, tmp_path, encoding, name, printed):
    done = subprocess.run(
        [PROGRAM, *command, name],
        cwd=tmp_path, env=ENVIRONMENT | {"PYTHONIOENCODING": encoding}, capture_output=True,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"{printed}\n".encode())
    assert is_painted(tmp_path / name)


def test_a_pipe_or_a_device_is_not_replaced(command, tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    done = stylefuse(tmp_path, *command, "pipe.png")
    assert done.returncode == 2
    assert "pipe.png would be replaced, and is a pipe or a device" in done.stderr
    assert stat.S_ISFIFO((tmp_path / "pipe.png").stat().st_mode)


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_followed(command, tmp_path, exists):
    if exists:
        (tmp_path / "target.png").write_text("old")
    (tmp_path / "link.png").symlink_to("target.png")
    assert stylefuse(tmp_path, *command, "link.png").returncode == 0
    assert (tmp_path / "link.png").is_symlink()
    assert is_painted(tmp_path / "target.png")


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_video_that_is_stopped_leaves_no_draft(tmp_path, number):
    picture = "testsrc=size=320x240:rate=25:duration=30"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", picture, tmp_path / "in.mp4"], check=True
    )
    options = ["--style", EXAMPLES / "painting.png", "--model", MODEL, "-o", "out.mp4"]
    process = subprocess.Popen(
        [PROGRAM, "video", "in.mp4", *options],
        cwd=tmp_path,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
    )

    def drafts() -> list[Path]:
        return list(tmp_path.glob(".*.part"))

    while not drafts():
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert b"Traceback" not in errors
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]
