"""Files of learned styles hold what was saved, and nothing else is believed."""

import base64
import hashlib
import json
import os

import numpy as np
import pytest
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.inference import style_file
from stylefuse.inference.style_file import LearnedStyle, open_style, parse_style, save_style
from tests.support.models import encoded, noise

STYLE = LearnedStyle(
    "Wave", "GPL-3+", "Hokusai", "ab" * 32, np.linspace(-1, 1, 30, dtype="float32"), [noise(40, 30)]
)


@pytest.fixture
def document(tmp_path):
    save_style(STYLE, tmp_path / "wave.style")
    return json.loads((tmp_path / "wave.style").read_text())


def signed(document, **changes):
    """The bytes of a file with changed content and the checksum that fits it."""
    content = {k: v for k, v in document.items() if k not in ("stylefuse style", "sha256")}
    content |= changes
    checksum = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return json.dumps({"stylefuse style": 1, "sha256": checksum, **content}).encode()


def numbers(*values):
    return base64.b64encode(np.array(values, "<f4").tobytes()).decode()


def test_a_file_holds_what_was_saved(tmp_path):
    save_style(STYLE, tmp_path / "wave.style")
    opened = open_style(tmp_path / "wave.style")
    assert opened.code.tolist() == STYLE.code.tolist()
    assert (opened.name, opened.licence, opened.source, opened.weights) == (
        STYLE.name, STYLE.licence, STYLE.source, STYLE.weights
    )  # fmt: skip
    assert [picture.size for picture in opened.pictures] == [(40, 30)]


def test_the_same_style_gives_the_same_bytes(tmp_path):
    for name in "ab":
        save_style(STYLE, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_changed_byte_is_noticed(document):
    data = json.dumps(document).encode()
    for position in range(len(style_file.START), len(data), 97):
        changed = bytes([data[position] ^ 1])
        with pytest.raises(UserError) as error:
            parse_style(data[:position] + changed + data[position + 1 :], "x")
        assert error.value.code in ("style-file-damaged", "style-file-version")


@pytest.mark.parametrize(
    "changes",
    [
        {"code": numbers(np.nan)}, {"code": numbers(1e30)}, {"code": ""}, {"code": "AAA="},
        {"code": 7}, {"code": numbers(*[0] * (style_file.MAX_NUMBERS + 1))}, {"pictures": []},
        {"pictures": "x"}, {"pictures": ["AAAA"] * 9}, {"name": "x" * 301}, {"name": "\x1b[2J"},
        {"weights": None}, {"pictures": [[]]},
    ],
)  # fmt: skip
def test_content_out_of_range_is_refused(document, changes):
    with pytest.raises(UserError) as error:
        parse_style(signed(document, **changes), "x")
    assert error.value.code == "style-file-damaged"


def test_a_file_that_lacks_something_is_damaged(document):
    del document["code"]
    with pytest.raises(UserError) as error:
        parse_style(signed(document), "x")
    assert error.value.code == "style-file-damaged"


@pytest.mark.parametrize("content", [b"", b"\x80\x04", b"[" * 100_000])
def test_hostile_pictures_in_a_file_are_refused(document, content):
    picture = base64.b64encode(b"RIFF\0\0\0\0WEBP" + content).decode()
    with pytest.raises(UserError) as error:
        parse_style(signed(document, pictures=[picture]), "x")
    assert error.value.code.startswith("picture-")


@pytest.mark.parametrize("format", ["AVIF", "PNG"])
def test_pictures_are_webp_because_others_may_take_a_process_each(document, format):
    with pytest.raises(UserError) as error:
        parse_style(signed(document, pictures=[encoded(noise(9, 8), format)]), "x")
    assert error.value.code == "style-file-damaged"


def test_a_pipe_is_refused_unread(tmp_path):
    os.mkfifo(tmp_path / "a.style")
    with pytest.raises(UserError) as error:
        open_style(tmp_path / "a.style")
    assert error.value.code == "style-not-readable"


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"\x89PNG\r\n", style_file.START.encode() + b" " * style_file.MAX_BYTES]
)
def test_other_files_are_refused(data):
    with pytest.raises(UserError) as error:
        parse_style(data, "x")
    assert error.value.code == "style-file-foreign"


@pytest.mark.parametrize(
    "rest", [b"[" * 100_000, b"9" * 5000 + b"}", b"1}", b'1, "sha256": "\xff"}']
)
def test_hostile_json_is_refused(rest):
    with pytest.raises(UserError) as error:
        parse_style(style_file.START.encode() + rest, "x")
    assert error.value.code in ("style-file-damaged", "style-file-version")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path in (tmp_path / "none.style", tmp_path):
        with pytest.raises(UserError) as error:
            open_style(path)
        assert error.value.code == "style-not-readable"


def test_a_transparent_picture_is_flattened(document):
    (picture,) = parse_style(
        signed(document, pictures=[encoded(noise(9, 8, "RGBA"), "WEBP")]), "x"
    ).pictures
    assert picture.mode == "RGB"


def test_a_bomb_of_pixels_is_refused(document):
    bomb = encoded(Image.new("RGB", (80, 16_000)), "WEBP")
    with pytest.raises(UserError) as error:
        parse_style(signed(document, pictures=[bomb]), "x")
    assert error.value.code == "picture-too-large"
