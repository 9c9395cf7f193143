"""Files in, files out: found by name, refused early, written whole."""

import os
from pathlib import Path

import pytest
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.save import save_picture
from stylefuse.models.transfer import TASK
from stylefuse.painting.files import (
    find_pictures,
    output_paths,
    refuse_overwriting_inputs,
    refuse_unwritable,
)
from stylefuse.painting.styles import parse_style, read_styles
from tests.support.models import noise


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
        (["x/a.jpg", "y/a.png"], "out", "two pictures would become out/a.png"),
    ],
)
def test_where_paintings_cannot_go(contents, out, complaint):
    with pytest.raises(UserError, match=complaint):
        output_paths([Path(content) for content in contents], Path(out))


def test_an_input_is_never_replaced(here):
    refuse_overwriting_inputs([Path("photos/a.jpg")], [Path("photos/a.png")])
    with pytest.raises(UserError, match=r"a\.jpg would be replaced"):
        refuse_overwriting_inputs([Path("photos/a.jpg")], [here / "photos/../photos/a.jpg"])


@pytest.mark.parametrize(
    ("text", "path", "weight"),
    [("style.png", "style.png", 1), ("style.png:0.25", "style.png", 0.25),
     ("odd:2.png", "odd:2.png", 1), ("odd:2.png:3", "odd:2.png", 3), ("odd:2", "odd:2", 1)],
)  # fmt: skip
def test_styles_and_their_weights(here, text, path, weight):
    for odd in ("odd:2.png", "odd:2"):
        noise(8, 8).save(odd, "PNG")
    assert parse_style(text) == [(Path(path), weight)]
    (picture,) = read_styles([text], 10**6).pictures
    assert picture.size == Image.open(path).size


def test_styles_of_a_folder_share_its_weight(here):
    inside = [Path("photos/[c].png"), Path("photos/a.jpg"), Path("photos/b.png")]
    assert parse_style("photos") == [(path, 1) for path in inside]
    assert parse_style("photos:2") == [(path, 2) for path in inside]
    assert read_styles(["photos/*.png:3"], 10**6).weights == [3, 3]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("missing.png", "there is no missing.png"), ("missing.png:2", "there is no missing.png:2"),
     ("photos/notes.txt", "notes.txt is not a picture"),
     *((f"style.png:{weight}", f"must be a positive number, not {weight}")
       for weight in ("much", "0", "-1", "nan", "inf"))],
)  # fmt: skip
def test_styles_that_are_none(here, text, complaint):
    with pytest.raises(UserError, match=complaint):
        read_styles([text], 10**6)


@pytest.mark.parametrize(
    ("out", "complaint"),
    [("style.png/x.png", "style.png is a file"), ("style.png/x/y.png", "style.png is a file"),
     ("closed/x/y.png", "closed may not be changed by you")],
)  # fmt: skip
def test_an_output_that_cannot_be_written_is_told_before_any_work(
    here, monkeypatch, out, complaint
):
    Path("closed").mkdir()
    monkeypatch.setattr(os, "access", lambda path, _: path.name != "closed")  # root may do all
    refuse_unwritable([Path("new/folder/x.png"), Path("x.png")])
    with pytest.raises(UserError, match=complaint):
        refuse_unwritable([Path("x.png"), Path(out)])


def test_pictures_are_written_whole(here):
    save_picture(noise(9, 9, "RGBA"), Path("new/flat.jpg"), TASK.picture_origin)
    save_picture(noise(9, 9, "RGBA"), Path("new/clear.webp"), TASK.picture_origin)
    assert Image.open("new/flat.jpg").mode == "RGB"
    assert Image.open("new/clear.webp").mode == "RGBA"
    assert len(list(Path("new").iterdir())) == 2


def test_a_picture_that_cannot_be_written_leaves_nothing(here):
    Path("wall").write_text("a file")
    with pytest.raises(UserError, match=r"wall/a\.png cannot be written"):
        save_picture(noise(9, 9), Path("wall/a.png"), TASK.picture_origin)
