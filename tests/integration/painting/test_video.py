"""Films: all frames, in their size and order, with their sound."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.inference.options import TransferOptions
from stylefuse.painting.video import film
from tests.support.models import make_project, noise
from tests.unit.test_config import SHIPPED

PARAMS = load_params(SHIPPED)
FRAMES, RATE = 6, 12
pytestmark = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A project with a film that ends in another colour than it begins in, and a tone."""
    make_project(tmp_path, "transfer")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    noise(40, 30).save("style.png")
    picture = f"testsrc=size=66x48:rate={RATE}:duration={FRAMES / RATE}"
    tone = f"sine=frequency=440:duration={FRAMES / RATE}"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", tone,
         "-pix_fmt", "yuv420p", "in.mp4"], check=True,
    )  # fmt: skip
    return tmp_path


def paint(out="out.mp4", source="in.mp4", **dials):
    options = TransferOptions(**dials)
    film(Path(source), ["style.png"], Path(out), options, None, PARAMS)


def streams(path):
    asked = "stream=codec_type,width,height,nb_read_frames,avg_frame_rate"
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-count_frames", "-show_entries", asked, "-of", "json", path],
        capture_output=True, check=True,
    )  # fmt: skip
    return {stream["codec_type"]: stream for stream in json.loads(done.stdout)["streams"]}


def first_frame(path):
    done = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt",
         "rgb24", "-"], capture_output=True, check=True,
    )  # fmt: skip
    return np.frombuffer(done.stdout, np.uint8).astype(int)


@pytest.mark.parametrize("out", ["out.mp4", "out.mkv", "out.mov"])
def test_a_film_keeps_its_frames_its_rate_and_its_sound(here, out):
    paint(out)
    made = streams(out)
    assert (made["video"]["width"], made["video"]["height"]) == (66, 48)
    assert int(made["video"]["nb_read_frames"]) == FRAMES
    assert made["video"]["avg_frame_rate"] == f"{RATE}/1"
    assert "audio" in made
    assert abs(first_frame(out) - first_frame("in.mp4")).mean() > 5
    assert not list(here.glob(".*.part"))


def test_a_film_is_made_as_large_as_asked(here):
    paint(size=33)
    assert (streams("out.mp4")["video"]["width"], streams("out.mp4")["video"]["height"]) == (32, 24)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"out": "out.gif"}, "end its name in .mp4, .mkv, .mov"),
        ({"source": "none.mp4"}, "there is no none.mp4"),
        ({"source": "style.png", "out": "style.png"}, "end its name in"),
        ({"source": "params.yaml"}, "params.yaml is not a film that ffmpeg can read"),
        ({"source": "words.jpg"}, "words.jpg is not a film that ffmpeg can read"),
        ({"source": "style.png"}, "style.png is a picture; `stylefuse transfer` paints it"),
        ({"out": "in.mp4"}, "in.mp4 would be replaced"),
        ({"size": 9999}, "size 9999 is more than the 2048 pixels allowed"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(here, asked, told):
    Path("words.jpg").write_text("words")
    with pytest.raises(UserError, match=told):
        paint(**asked)
    assert not Path("out.mp4").exists()


def test_without_ffmpeg_the_remedy_is_told(here, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="apt install ffmpeg"):
        paint()
