"""Base64 in and out: what is right comes through, what is wrong is told in one sentence."""

import base64
import textwrap
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.base64 import decode, encode
from tests.support.fuzzing import open_all
from tests.support.hostile import pictures
from tests.support.models import encoded, file_bytes, noise


def test_there_and_back():
    for mode in ("RGB", "RGBA"):
        picture = noise(7, 5, mode)
        again = decode(encode(picture))
        assert again.mode == mode
        np.testing.assert_array_equal(np.asarray(again), np.asarray(picture))


@pytest.mark.parametrize(
    "spelled",
    [
        lambda text: text,
        lambda text: f"data:image/png;base64,{text}",
        lambda text: "\n".join(textwrap.wrap(text, 76)),  # as the shell's base64 prints it
        lambda text: f"  {text}\r\n",
    ],
)
def test_usual_spellings(spelled):
    assert decode(spelled(encoded(noise(9, 9)))).size == (9, 9)


ODD = {
    "turned by EXIF": (lambda: _turned(), "RGB", (20, 30)),
    "transparent": (lambda: file_bytes(noise(30, 20, "RGBA")), "RGBA", (30, 20)),
    "palette with alpha": (lambda: _palette(), "RGBA", (30, 20)),
    "16-bit grey": (lambda: _deep_grey(), "RGB", (30, 20)),
    "CMYK": (lambda: file_bytes(noise(30, 20, "CMYK"), "JPEG"), "RGB", (30, 20)),
    "one bit": (lambda: file_bytes(noise(30, 20).convert("1")), "RGB", (30, 20)),
}


def _turned():
    exif = Image.Exif()
    exif[0x0112] = 6  # a camera held upright
    return file_bytes(noise(30, 20), "JPEG", exif=exif)


def _palette():
    picture = noise(30, 20).quantize(8)
    return file_bytes(picture, "PNG", transparency=0)


def _deep_grey():
    levels = np.linspace(0, 65535, 600).reshape(20, 30).astype(np.uint16)
    return file_bytes(Image.fromarray(levels))


@pytest.mark.parametrize("name", ODD)
def test_odd_pictures_are_made_plain(name):
    data, mode, size = ODD[name]
    picture = decode(base64.b64encode(data()).decode())
    assert (picture.mode, picture.size) == (mode, size)


def _animated():
    return file_bytes(noise(8, 8), "GIF", save_all=True, append_images=[noise(8, 8, seed=1)])


WRONG = {
    "no base64": (lambda: "photo.jpg", "row 1: content is not valid base64"),
    "not padded": (lambda: encoded(noise(9, 9)) + "A", "not valid base64"),
    "other letters": (lambda: "фото", "not valid base64"),
    "nothing": (lambda: "", "is empty"),
    "text": (lambda: base64.b64encode(b"just words").decode(), "not a picture that can be read"),
    "truncated": (
        lambda: base64.b64encode(file_bytes(noise(99, 99))[:5000]).decode(),
        "damaged or cut short",
    ),
    "animated": (lambda: base64.b64encode(_animated()).decode(), "animated"),
    "too large": (lambda: encoded(noise(101, 100)), "more than the 10,000 allowed"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told_in_one_sentence(name):
    text, complaint = WRONG[name]
    with pytest.raises(UserError, match=complaint) as error:
        decode(text(), "row 1: content", 10_000)
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("row 1: content")


def test_hostile_pictures_break_nothing():
    texts = (base64.b64encode(data).decode() for data in pictures(11))
    found = open_all(islice(texts, 300), 1_000_000)
    assert found.faults == []
    assert found.answers["refused"] > 100


@given(st.sampled_from(["RGB", "RGBA"]), st.integers(1, 40), st.integers(1, 40), st.data())
def test_every_picture_comes_back(mode, width, height, data):
    size = width * height * len(mode)
    seed = data.draw(st.binary(min_size=1, max_size=64))
    picture = Image.frombytes(mode, (width, height), (seed * size)[:size])
    again = decode(encode(picture))
    assert (again.mode, again.size, again.tobytes()) == (mode, picture.size, picture.tobytes())


BASE64 = st.binary(max_size=60).map(lambda data: base64.b64encode(data).decode())


@given(st.text() | BASE64 | st.builds("data:{};base64,{}".format, st.text(max_size=9), BASE64))
def test_every_text_is_a_picture_or_a_mistake(text):
    try:
        assert decode(text, "it").mode in ("RGB", "RGBA")
    except UserError as error:
        assert str(error).startswith("it ")
        assert "\n" not in str(error)
