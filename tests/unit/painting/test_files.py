"""Input and output files: found by name, refused early, written atomically."""

import os
from pathlib import Path

import pytest
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.metadata import PictureOrigin
from stylefuse.images.save import save_picture
from stylefuse.painting.files import (
    find_pictures,
    output_paths,
    product_paths,
    refuse_name,
    refuse_overwriting_inputs,
    refuse_unwritable,
)
from stylefuse.painting.styles import parse_style, read_styles
from tests.support.models import noise

ORIGIN = PictureOrigin("transfer", "trainedAlgorithmicMedia")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with a few pictures."""
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for name in ("photos/a.jpg", "photos/b.png", "photos/[c].png", "style.png"):
        noise(20, 16).save(name)
    Path("photos/notes.txt").write_text("not a picture")
    return tmp_path


def names(paths):
    return [path.as_posix() for path in paths]


def test_files_folders_and_patterns_are_expanded(folder):
    photos = ["photos/[c].png", "photos/a.jpg", "photos/b.png"]
    assert names(find_pictures(["photos"])) == photos
    assert names(find_pictures(["photos/[c].png"])) == ["photos/[c].png"]
    assert names(find_pictures(["**/*.png"])) == ["photos/[c].png", "photos/b.png", "style.png"]
    assert names(find_pictures(["photos/b.png", "photos"])) == ["photos/b.png", *photos[:2]]
    assert names(find_pictures([f"{folder}/photos/*.jpg"])) == [f"{folder}/photos/a.jpg"]


def test_a_pattern_looks_into_all_folders_but_linked_ones(folder):
    Path("photos/[old]/.hidden").mkdir(parents=True)
    for name in ("photos/[old]/d.png", "photos/[old]/.hidden/e.png"):
        noise(20, 16).save(name)
    for link in ("one", "other"):  # paths through them never end
        Path("photos", link).symlink_to(".")
    below = ["photos/[c].png", "photos/[old]/d.png", "photos/b.png"]
    assert names(find_pictures(["photos/**/*.png"])) == below
    assert names(find_pictures(["p*/**/*.png"])) == below
    assert names(find_pictures([f"{folder}/photos/**/*.png"])) == [f"{folder}/{n}" for n in below]
    assert names(find_pictures(["./**/d.png"])) == ["photos/[old]/d.png"]
    assert names(find_pictures(["photos/one/[[]c].png"])) == ["photos/one/[c].png"]
    assert names(find_pictures(["photos/[[]old]/**"])) == ["photos/[old]/d.png"]


@pytest.mark.parametrize("name", ["missing.png", "photos/*.webp", "empty"])
def test_a_name_without_pictures_is_refused(folder, name):
    (folder / "empty").mkdir()
    with pytest.raises(UserError) as error:
        find_pictures(["style.png", name])
    assert error.value.code == "picture-missing"
    assert name in str(error.value)


def test_output_paths(folder):
    one, two = [Path("photos/a.jpg")], [Path("photos/a.jpg"), Path("photos/b.png")]
    assert names(output_paths(one, Path("out.webp"))) == ["out.webp"]
    assert names(output_paths(one, Path("out"))) == ["out/a.png"]
    assert names(output_paths(one, Path("photos"))) == ["photos/a.png"]
    assert names(output_paths(two, Path("out.v2"))) == ["out.v2/a.png", "out.v2/b.png"]


def test_pictures_that_differ_by_their_suffix_keep_it():
    contents = [Path("a.jpg"), Path("a.png"), Path("b.png")]
    assert names(output_paths(contents, Path("out"))) == [
        "out/a.jpg.png", "out/a.png.png", "out/b.png",
    ]  # fmt: skip
    products = product_paths(contents[:2], contents[2:], Path("out"))
    assert names(products) == ["out/a.jpg--b.png", "out/a.png--b.png"]


@pytest.mark.parametrize(
    ("contents", "out", "code", "name"),
    [
        (["a.jpg"], "out.exe", "output-format-unsupported", "out.exe"),
        (["a.jpg", "b.jpg"], "out.png", "output-not-a-folder", "out.png"),
        (["x/a.jpg", "y/a.jpg"], "out", "output-ambiguous", "out/a.jpg.png"),
    ],
)
def test_impossible_outputs_are_refused(contents, out, code, name):
    with pytest.raises(UserError, match=name) as error:
        output_paths([Path(content) for content in contents], Path(out))
    assert error.value.code == code


def test_an_input_is_never_replaced(folder):
    refuse_overwriting_inputs([Path("photos/a.jpg")], [Path("photos/a.png")])
    with pytest.raises(UserError, match=r"a\.jpg would be replaced") as error:
        refuse_overwriting_inputs([Path("photos/a.jpg")], [folder / "photos/../photos/a.jpg"])
    assert error.value.code == "output-replaces-input"


@pytest.mark.parametrize(
    ("text", "path", "weight"),
    [("style.png", "style.png", 1), ("style.png:0.25", "style.png", 0.25),
     ("odd:2.png", "odd:2.png", 1), ("odd:2.png:3", "odd:2.png", 3), ("odd:2", "odd:2", 1)],
)  # fmt: skip
def test_a_style_may_have_a_weight_and_colons_in_its_path(folder, text, path, weight):
    for odd in ("odd:2.png", "odd:2"):
        noise(8, 8).save(odd, "PNG")
    assert parse_style(text) == [(Path(path), weight)]
    (picture,) = read_styles([text]).pictures
    assert picture.size == Image.open(path).size


def test_all_styles_of_a_folder_have_its_weight(folder):
    photos = [Path("photos/[c].png"), Path("photos/a.jpg"), Path("photos/b.png")]
    assert parse_style("photos") == [(path, 1) for path in photos]
    assert parse_style("photos:2") == [(path, 2) for path in photos]
    assert read_styles(["photos/*.png:3"]).weights == [3, 3]


@pytest.mark.parametrize(
    ("text", "code"),
    [("missing.png", "picture-missing"), ("missing.png:2", "picture-missing"),
     ("photos/notes.txt", "picture-format-unsupported"),
     *((f"style.png:{weight}", "style-weight-invalid")
       for weight in ("much", "0", "-1", "nan", "inf"))],
)  # fmt: skip
def test_a_style_that_cannot_be_read_is_refused(folder, text, code):
    with pytest.raises(UserError) as error:
        read_styles([text])
    assert error.value.code == code


@pytest.mark.parametrize(
    ("out", "obstacle"),
    [("style.png/x.png", "style.png is a file"), ("style.png/x/y.png", "style.png is a file"),
     ("closed/x/y.png", "no write permission for .*closed")],
)  # fmt: skip
def test_an_unwritable_output_is_refused_before_any_work(folder, monkeypatch, out, obstacle):
    Path("closed").mkdir()
    monkeypatch.setattr(os, "access", lambda path, _: path.name != "closed")  # root may do all
    refuse_unwritable([Path("new/folder/x.png"), Path("x.png")])
    with pytest.raises(UserError, match=obstacle) as error:
        refuse_unwritable([Path("x.png"), Path(out)])
    assert error.value.code == "file-not-writable"


def test_pictures_are_written_in_new_folders_without_drafts(folder):
    save_picture(noise(9, 9, "RGBA"), Path("new/flat.jpg"), ORIGIN)
    save_picture(noise(9, 9, "RGBA"), Path("new/clear.webp"), ORIGIN)
    assert Image.open("new/flat.jpg").mode == "RGB"
    assert Image.open("new/clear.webp").mode == "RGBA"
    assert len(list(Path("new").iterdir())) == 2


def test_a_picture_that_cannot_be_written_is_reported(folder):
    Path("wall").write_text("a file")
    with pytest.raises(UserError, match=r"wall/a\.png cannot be written") as error:
        save_picture(noise(9, 9), Path("wall/a.png"), ORIGIN)
    assert error.value.code == "file-not-writable"


def test_an_empty_name_is_not_the_working_folder(folder):
    for names_given in ([""], ["style.png", ""]):
        with pytest.raises(UserError, match="is empty") as error:
            find_pictures(names_given)
        assert error.value.code == "picture-missing"
    with pytest.raises(UserError, match="is empty"):
        read_styles([""])


def test_a_file_by_two_names_is_one_picture(folder):
    (folder / "photos/link.png").symlink_to("b.png")
    paths = find_pictures(["photos/b.png", "./photos/../photos/b.png", "photos/link.png"])
    assert names(paths) == ["photos/b.png", "photos/link.png"]


ODD_NAMES = [
    "new\nline.png", "back\\slash.png", "bell\x07.png", "\u202egnp.exe.png", "e\u0301.png",
    "\u00e9.png", "A.PNG", "a.png", "dot..png", " .png", "*.png", "?.png", "a:2.png", "-rf.png",
    "%s.png", "caf\udce9.png", "x" * 251 + ".png",
]  # fmt: skip


def test_odd_names_in_a_folder_keep_apart(folder):
    (folder / "odd").mkdir()
    for name in ODD_NAMES:
        noise(2, 2).save(folder / "odd" / name)
    for leftover in ("@eaDir", "$RECYCLE.BIN", "folder.png"):
        (folder / "odd" / leftover).mkdir()
    (folder / "odd/zero.png").symlink_to("/dev/zero")
    (folder / "odd/loop.png").symlink_to("loop.png")
    found = find_pictures(["odd"])
    assert sorted(path.name for path in found) == sorted(ODD_NAMES)
    assert len(set(output_paths(found, Path("out")))) == len(ODD_NAMES)


@pytest.mark.parametrize(
    ("name", "message"),
    [("x" * 252 + ".png", "a name of 256 bytes"), ("é" * 126 + ".png", "a name of 256 bytes"),
     ("photos", "is a folder, where a file would be written")],
)  # fmt: skip
def test_a_name_that_cannot_be_written_is_refused(folder, name, message):
    for parent in ("", "missing/folders/"):
        if parent and name == "photos":
            continue
        with pytest.raises(UserError, match=message) as error:
            refuse_name(Path(parent + name))
        assert error.value.code == "file-not-writable"
    refuse_name(Path("x" * 251 + ".png"))


def test_an_output_that_links_to_itself_is_refused(folder):
    Path("loop.png").symlink_to("loop.png")
    with pytest.raises(UserError, match="leads to itself"):
        refuse_overwriting_inputs([Path("style.png")], [Path("loop.png")])
