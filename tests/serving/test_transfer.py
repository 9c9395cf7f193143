"""Files in, files out: found by name, refused early, written whole."""

from pathlib import Path

import pytest
from PIL import Image

from stylefuse.config import load_params
from stylefuse.errors import UserError
from stylefuse.serving.files import find_pictures, output_paths, save_picture
from stylefuse.serving.painter import Painter, PaintOptions
from stylefuse.serving.transfer import parse_style, plan, run
from tests.serving.tiny import make_model, noise
from tests.test_config import SHIPPED


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a few pictures, as the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for name in ("photos/a.jpg", "photos/b.png", "photos/[c].png", "style.png"):
        noise(20, 16).save(name)
    Path("photos/notes.txt").write_text("no picture")
    return tmp_path


def names(paths):
    return [path.as_posix() for path in paths]


def test_files_folders_and_patterns(here):
    folder = ["photos/[c].png", "photos/a.jpg", "photos/b.png"]
    assert names(find_pictures(["photos"])) == folder
    assert names(find_pictures(["photos/[c].png"])) == ["photos/[c].png"]
    assert names(find_pictures(["**/*.png"])) == ["photos/[c].png", "photos/b.png", "style.png"]
    assert names(find_pictures(["photos/b.png", "photos"])) == ["photos/b.png", *folder[:2]]
    assert names(find_pictures([f"{here}/photos/*.jpg"])) == [f"{here}/photos/a.jpg"]


@pytest.mark.parametrize("name", ["missing.png", "photos/*.webp", "empty"])
def test_a_name_that_leads_nowhere(here, name):
    (here / "empty").mkdir()
    with pytest.raises(UserError) as error:
        find_pictures(["style.png", name])
    assert name in str(error.value)


def test_where_paintings_go(here):
    one, two = [Path("photos/a.jpg")], [Path("photos/a.jpg"), Path("photos/b.png")]
    assert names(output_paths(one, Path("out.webp"))) == ["out.webp"]
    assert names(output_paths(one, Path("out"))) == ["out/a.png"]
    assert names(output_paths(one, Path("photos"))) == ["photos/a.png"]
    assert names(output_paths(two, Path("out.v2"))) == ["out.v2/a.png", "out.v2/b.png"]


@pytest.mark.parametrize(
    ("contents", "out", "complaint"),
    [
        (["a.jpg"], "out.exe", "end its name in"),
        (["a.jpg", "b.jpg"], "out.png", "need a folder"),
        (["x/a.jpg", "y/a.png"], "out", "two contents would become out/a.png"),
    ],
)
def test_where_paintings_cannot_go(contents, out, complaint):
    with pytest.raises(UserError, match=complaint):
        output_paths([Path(content) for content in contents], Path(out))


@pytest.mark.parametrize(
    ("text", "path", "weight"),
    [("style.png", "style.png", 1), ("style.png:0.25", "style.png", 0.25),
     ("odd:2.png", "odd:2.png", 1), ("odd:2.png:3", "odd:2.png", 3), ("odd:2", "odd:2", 1)],
)  # fmt: skip
def test_styles_and_their_weights(here, text, path, weight):
    for odd in ("odd:2.png", "odd:2"):
        noise(8, 8).save(odd, "PNG")
    assert parse_style(text) == (Path(path), weight)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("missing.png", "missing.png is not here"), ("missing.png:2", "missing.png:2 is not here"),
     ("style.png:much", "'much' is no weight"), ("photos", "photos is not here")],
)  # fmt: skip
def test_styles_that_are_none(here, text, complaint):
    with pytest.raises(UserError, match=complaint):
        parse_style(text)


def test_an_input_is_never_replaced(here):
    with pytest.raises(UserError, match=r"b\.png would be replaced"):
        plan(["photos/b.png"], ["style.png"], Path("photos"), 10**6)


def test_pictures_are_written_whole_and_without_metadata(here):
    save_picture(noise(9, 9, "RGBA"), Path("new/flat.jpg"))
    save_picture(noise(9, 9, "RGBA"), Path("new/clear.webp"))
    assert Image.open("new/flat.jpg").mode == "RGB"
    assert Image.open("new/clear.webp").mode == "RGBA"
    assert not Image.open("new/flat.jpg").getexif()
    assert len(list(Path("new").iterdir())) == 2


def test_a_picture_that_cannot_be_written_leaves_nothing(here):
    Path("wall").write_text("a file")
    with pytest.raises(UserError, match=r"wall/a\.png cannot be written"):
        save_picture(noise(9, 9), Path("wall/a.png"))


@pytest.fixture(scope="module")
def painter(tmp_path_factory):
    model = make_model(tmp_path_factory.mktemp("model") / "transfer")
    return Painter(model, load_params(SHIPPED).serve)


def test_one_bad_picture_does_not_stop_the_others(here, painter):
    Path("photos/b.png").write_text("words")
    job = plan(["photos"], ["style.png:1", "photos/a.jpg:2"], Path("out"), 10**6)
    with pytest.raises(UserError, match=r"1 of 3 pictures could not be painted:\n  photos/b\.png"):
        run(job, painter, PaintOptions())
    assert sorted(path.name for path in Path("out").iterdir()) == ["[c].png", "a.png"]


def test_a_single_picture_that_is_cut_short_is_named(here, painter):
    torn = Path("photos/a.jpg")
    torn.write_bytes(torn.read_bytes()[:600])
    job = plan(["photos/a.jpg"], ["style.png"], Path("out.png"), 10**6)
    with pytest.raises(UserError, match=r"^photos/a\.jpg is damaged or cut short"):
        run(job, painter, PaintOptions())
    assert not Path("out.png").exists()
