"""Videos as people have them: containers, codecs, colours, rates, sound and names."""

import functools
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from stylefuse.errors import UserError
from stylefuse.painting import ffmpeg
from stylefuse.painting.ffmpeg import CONTAINERS, encoder, open_video, read_frames, sound_file

FRAMES, RATE, WIDTH, HEIGHT = 8, 10, 64, 48
SECONDS = FRAMES / RATE
RED, BLUE = (200, 40, 40), (40, 60, 190)  # the left and the right half of a frame
HALVES = (
    "color=0x{:02x}{:02x}{:02x}:size=%dx%d:rate={rate}:duration={seconds}[left];"
    "color=0x{:02x}{:02x}{:02x}:size=%dx%d:rate={rate}:duration={seconds}[right];"
    "[left][right]hstack,noise=alls=12:allf=t"  # codecs leave out a frame like the one before it
)
pytestmark = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="needs ffmpeg")

CODECS = {  # name of a file → options of ffmpeg for its frames
    "h264.mp4": ["-c:v", "libx264"],
    "444.mp4": ["-c:v", "libx264", "-pix_fmt", "yuv444p"],
    "full-range.mp4": ["-c:v", "libx264", "-pix_fmt", "yuvj420p"],
    "10-bit.mkv": ["-c:v", "libx264", "-pix_fmt", "yuv420p10le"],
    "rgb.mkv": ["-c:v", "libx264rgb"],
    "h264.ts": ["-c:v", "libx264"],
    "h264.flv": ["-c:v", "libx264"],
    "h265.mp4": ["-c:v", "libx265", "-x265-params", "log-level=error"],
    "vp9.webm": ["-c:v", "libvpx-vp9"],
    "mpeg4.avi": ["-c:v", "mpeg4", "-q:v", "2"],
    "mjpeg.mov": ["-c:v", "mjpeg", "-q:v", "2"],
    "prores.mov": ["-c:v", "prores"],
    "theora.ogv": ["-c:v", "libtheora", "-q:v", "9"],
    "mpeg2.mpg": ["-c:v", "mpeg2video", "-q:v", "2", "-r", "25"],
    "wmv2.wmv": ["-c:v", "wmv2", "-q:v", "2"],
    "ffv1.mkv": ["-c:v", "ffv1"],
    "animation.gif": [],
}
SOUND_CODECS = {  # name of a file → options of ffmpeg for its sound
    "aac.mp4": ["-c:a", "aac"],
    "mp3.mkv": ["-c:a", "libmp3lame"],
    "pcm.mov": ["-c:a", "pcm_s16le"],
    "vorbis.mkv": ["-c:a", "libvorbis"],
    "opus.mkv": ["-c:a", "libopus"],
    "flac.mkv": ["-c:a", "flac"],
    "ac3.mkv": ["-c:a", "ac3"],
    "wma.wmv": ["-c:v", "wmv2", "-c:a", "wmav2"],
    "adpcm.avi": ["-c:v", "mpeg4", "-c:a", "adpcm_ms"],
}


def make(path, *options, size=(WIDTH, HEIGHT), sound=False, rate=RATE, seconds=SECONDS):
    """A video of two halves, red and blue, in the folder of the test."""
    sizes = (size[0] // 2, size[1]) * 2
    halves = (HALVES % sizes).format(*RED, *BLUE, rate=rate, seconds=seconds)
    tone = ["-f", "lavfi", "-i", f"sine=frequency=440:duration={seconds}"] if sound else []
    run("-f", "lavfi", "-i", halves, *tone, *options, f"file:{path}")
    return Path(path)


def run(*options):
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", *options], check=True)


def opened(path, longer_side=0):
    return open_video(Path(path), longer_side, lambda share: None)


def frames_of(path):
    return np.stack(list(read_frames(opened(path))))


def probe(path):
    command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", f"file:{path}"]
    process = subprocess.run(command, capture_output=True, check=True)
    return {stream["codec_type"]: stream for stream in json.loads(process.stdout)["streams"]}


def assert_red_and_blue(frames, tolerance=6):
    """Away from the edge between them, and whatever the codec does at the borders."""
    *_, height, width, _ = frames.shape
    for colour, x in ((RED, width // 4), (BLUE, 3 * width // 4)):
        seen = frames[:, height // 4 : -height // 4, x - 2 : x + 2]
        np.testing.assert_allclose(seen.mean((0, 1, 2)), colour, atol=tolerance)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", CODECS)
def test_every_container_and_codec_gives_all_frames_in_their_colours(name):
    rate = 25 if name == "mpeg2.mpg" else RATE
    video = opened(make(name, *CODECS[name], rate=rate, seconds=FRAMES / rate))
    frames = np.stack(list(read_frames(video)))
    assert frames.shape == (FRAMES, HEIGHT, WIDTH, 3)
    assert (video.frame_count, round(video.frame_rate)) == (FRAMES, rate)
    assert_red_and_blue(frames, tolerance=16 if name == "animation.gif" else 6)


@pytest.fixture(scope="module")
def with_sound(tmp_path_factory):
    """A function that returns a video with a sound of `SOUND_CODECS`; each is made once."""
    folder = tmp_path_factory.mktemp("sound")

    @functools.cache
    def video(name):
        return make(folder / name, "-pix_fmt", "yuv420p", *SOUND_CODECS[name], sound=True)

    return video


@pytest.mark.parametrize("suffix", CONTAINERS)
@pytest.mark.parametrize("name", SOUND_CODECS)
def test_every_sound_is_kept_in_every_container(with_sound, name, suffix):
    video = opened(with_sound(name))
    out = Path(f"out{suffix}")
    with sound_file(video, suffix) as sound, encoder(video, sound, out, suffix) as pipe:
        for frame in read_frames(video):
            pipe.write(frame.tobytes())
    streams = probe(out)
    assert float(streams["audio"].get("duration", SECONDS)) == pytest.approx(SECONDS, abs=0.15)
    before = video.sounds[0]
    kept = before in ffmpeg.KEPT_SOUND[suffix]
    assert streams["audio"]["codec_name"] == (before if kept else "aac")
    run("-xerror", "-i", out, "-map", "0:a", "-f", "null", "-")


def test_a_silent_video_stays_silent():
    with sound_file(opened(make("in.mp4")), ".mp4") as sound:
        assert sound is None


def test_sound_that_cannot_be_read_is_found_before_painting():
    data = make("in.mkv", "-c:v", "libx264", "-c:a", "pcm_s16le", sound=True).read_bytes()
    assert b"A_PCM/INT/LIT" in data
    Path("in.mkv").write_bytes(data.replace(b"A_PCM/INT/LIT", b"A_NEW/INT/LIT"))
    video = opened("in.mkv")
    with (
        pytest.raises(UserError, match=r"the sound of in\.mkv") as error,
        sound_file(video, ".mp4"),
    ):
        pass
    assert error.value.code == "video-sound-unreadable"


@pytest.mark.parametrize(
    ("ratio", "size"),
    [("16/11", (94, 48)), ("8/9", (64, 54)), ("1/1", (64, 48)), ("0/1", (64, 48))],
)
def test_pixels_become_square(ratio, size):
    video = opened(make("in.mp4", "-vf", f"setsar={ratio}", "-c:v", "libx264"))
    assert (video.width, video.height) == size
    assert_red_and_blue(np.stack(list(read_frames(video))))


@pytest.mark.parametrize(("rotation", "size"), [(90, (48, 94)), (180, (94, 48)), (270, (48, 94))])
def test_a_turned_video_is_upright(rotation, size):
    make("lying.mp4", "-vf", "setsar=16/11", "-c:v", "libx264")
    run("-i", "lying.mp4", "-c", "copy", "-metadata:s:v:0", f"rotate={rotation}", "in.mp4")
    video = opened("in.mp4")
    assert (video.width, video.height) == size
    upper_left = next(read_frames(video))[:16, :16].mean((0, 1))
    expected = {90: BLUE, 180: BLUE, 270: RED}[rotation]
    # turned by a quarter, one half lies above the other
    np.testing.assert_allclose(upper_left, expected, atol=10)


def test_the_longer_side_is_scaled():
    video = opened(make("in.mp4", "-vf", "setsar=16/11", "-c:v", "libx264"), longer_side=46)
    assert (video.width, video.height) == (46, 24)


@pytest.mark.parametrize("tags", ["bt709", "smpte170m", "none"])
@pytest.mark.parametrize("size", [(64, 48), (1280, 720)])
def test_colours_are_read_as_the_file_or_the_rule_says_and_written_with_tags(size, tags):
    """Untagged files are BT.709 from 720 rows on, and BT.601 below."""
    matrix = tags if tags != "none" else "bt709" if size[1] >= 720 else "smpte170m"
    options = ["-vf", f"scale=out_color_matrix={matrix.replace('smpte170m', 'bt601')}"]
    if tags != "none":
        options += ["-colorspace", tags, "-color_primaries", tags, "-color_trc", tags]
    make("in.mp4", *options, "-c:v", "libx264", "-pix_fmt", "yuv444p", size=size, seconds=0.2)
    assert_red_and_blue(frames_of("in.mp4"))
    video = opened("in.mp4")
    with encoder(video, None, Path("out.mp4"), ".mp4") as pipe:
        for frame in read_frames(video):
            pipe.write(frame.tobytes())
    stream = probe("out.mp4")["video"]
    names = ("color_space", "color_transfer", "color_primaries")
    assert [stream[name] for name in names] == ["bt709"] * 3
    assert_red_and_blue(frames_of("out.mp4"))


@pytest.mark.parametrize(("transfer", "white"), [("smpte2084", 0.58), ("arib-std-b67", 0.75)])
def test_high_dynamic_range_is_tone_mapped(transfer, white):
    """White of 203 candela per square metre (ITU-R BT.2408) comes out bright, and grey below it."""
    levels = []
    for level in (white, white / 2):
        grey = round(64 + level * 876)  # of ten bits
        run(
            "-f", "lavfi", "-i", f"color=black:size=64x48:rate=5:duration=0.4,format=yuv420p10le,"
            f"geq=lum={grey}:cb=512:cr=512", "-c:v", "libx264", "-qp", "1",
            "-colorspace", "bt2020nc", "-color_primaries", "bt2020", "-color_trc", transfer,
            "hdr.mp4",
        )  # fmt: skip
        frames = frames_of("hdr.mp4").astype(int)
        assert np.ptp(frames, axis=-1).max() <= 6  # grey
        levels.append(frames.mean())
    assert levels[0] > 255 * white + 20  # without tone mapping it is 255 × white
    assert levels[0] > levels[1] + 60


def test_a_cover_is_not_the_video():
    make("video.mp4", "-c:v", "libx264")
    run("-f", "lavfi", "-i", "color=green:size=300x300", "-frames:v", "1", "cover.jpg")
    run("-i", "cover.jpg", "-i", "video.mp4", "-map", "0", "-map", "1", "-c", "copy",
        "-disposition:v:0", "attached_pic", "in.mp4")  # fmt: skip
    assert_red_and_blue(frames_of("in.mp4"))


@pytest.mark.parametrize("name", ["one.mp4", "one.mkv", "one.webm", "one.gif"])
def test_one_frame_stays_one(name):
    video = opened(make(name, "-frames:v", "1"))
    assert len(list(read_frames(video))) == video.frame_count == 1
    assert 1 <= video.frame_rate <= 60


@pytest.mark.parametrize("suffix", CONTAINERS)
def test_a_thousand_frames_per_second_stay_as_many(suffix):
    rate = 1000
    path = make(f"fast{suffix}", "-c:v", "libx264", rate=rate, seconds=FRAMES / rate)
    video = opened(path)
    out = Path(f"out{suffix}")
    with encoder(video, None, out, suffix) as pipe:
        for frame in read_frames(video):
            pipe.write(frame.tobytes())
    again = opened(out)
    assert (video.frame_count, again.frame_count) == (FRAMES, FRAMES)
    assert video.frame_rate == again.frame_rate == rate


def test_a_rate_that_varies_becomes_steady_in_the_same_time():
    run("-f", "lavfi", "-i", "testsrc=size=64x48:rate=30:duration=4", "-vf",
        "select='not(mod(n,2))+gt(t,2)'", "-vsync", "vfr", "-c:v", "libx264", "in.mkv")  # fmt: skip
    video = opened("in.mkv")
    count = len(list(read_frames(video)))
    assert count == pytest.approx(video.frame_count, abs=2)
    assert count / video.frame_rate == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize("name", ["-dash.mp4", "12:30 holiday.mp4", "file:x.mp4", "caf\udce9.mp4"])
def test_any_name_is_a_files_name(name):
    shutil.copy(make("in.mp4", "-c:v", "libx264", "-c:a", "aac", sound=True), Path(name))
    video = opened(name)
    out = Path(f"out {name}")
    with sound_file(video, ".mp4") as sound, encoder(video, sound, out, ".mp4") as pipe:
        for frame in read_frames(video):
            pipe.write(frame.tobytes())
    assert opened(out).sounds == ("aac",)


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_video_that_is_cut_short_is_refused(suffix):
    options = ["-c:v", "libx264", "-g", "5", "-movflags", "faststart"][
        : 4 if suffix == ".mkv" else 6
    ]
    path = make(f"in{suffix}", *options, seconds=12)
    noise = "testsrc2=size=320x240:rate=10:duration=12"
    run("-f", "lavfi", "-i", noise, *options, path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match=r"is cut short: of 12\.0 seconds") as error:
        opened(path)
    assert error.value.code == "video-cut-short"


@pytest.mark.parametrize(
    ("average", "usual", "rate"),
    [("25/1", "25/1", 25), ("0/0", "10/1", 10), ("0/0", "90000/1", 50), ("1000/1", "0/0", 50)],
)
def test_a_rate_that_cannot_be_is_not_believed(average, usual, rate):
    stream = {"avg_frame_rate": average, "r_frame_rate": usual}
    assert ffmpeg._frame_rate(stream, 200, 4.0) == rate


@pytest.mark.parametrize("end", ["#EXT-X-ENDLIST\n", ""])
def test_a_playlist_opens_no_other_file(folder, end):
    private = make("private.mp4", "-c:v", "libx264")
    Path("list.mp4").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:3600\n#EXTINF:1,\nfile://{private.resolve()}\n{end}"
    )
    Path("concat.mkv").write_text(f"ffconcat version 1.0\nfile {private}\n")
    for name in ("list.mp4", "concat.mkv"):
        with pytest.raises(UserError) as error:
            opened(name)
        assert error.value.code == "video-unreadable"


def test_frames_that_are_too_large_are_refused(monkeypatch):
    make("in.mp4", "-c:v", "libx264")
    monkeypatch.setattr(ffmpeg, "MAX_SIDE", 63)
    with pytest.raises(UserError) as error:
        opened("in.mp4")
    assert error.value.code == "video-too-large"


def test_pixels_of_an_absurd_shape_make_no_huge_frame(monkeypatch):
    monkeypatch.setattr(ffmpeg, "MAX_SIDE", 100)
    video = opened(make("in.mp4", "-vf", "setsar=100", "-c:v", "libx264"))
    assert max(video.width, video.height) == 100


def test_a_duration_that_is_no_time_is_ignored():
    assert ffmpeg._stated_seconds({"tags": {"DURATION": f"{'9' * 330}:00:00"}}) == 0
