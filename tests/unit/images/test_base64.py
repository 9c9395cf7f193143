"""Base64 in and out: valid pictures are decoded, invalid text is refused with one sentence."""

import base64
import textwrap
import tracemalloc
from functools import partial
from itertools import islice

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.base64 import ENCODE_OPTIONS, decode, decode_cached, encode
from tests.support.fuzzing import open_all
from tests.support.hostile_pictures import pictures
from tests.support.models import encoded, file_bytes, noise


def test_an_encoded_picture_is_decoded_to_itself():
    for mode in ("RGB", "RGBA"):
        picture = noise(7, 5, mode)
        decoded = decode(encode(picture))
        assert decoded.mode == mode
        np.testing.assert_array_equal(np.asarray(decoded), np.asarray(picture))


@pytest.mark.parametrize("format", ENCODE_OPTIONS)
def test_every_format_is_encoded(format):
    decoded = decode(encode(noise(16, 16, "RGBA"), format=format))
    assert decoded.info["format"].lower() == format
    assert decoded.mode == ("RGB" if format == "jpeg" else "RGBA")


def test_an_unknown_format_is_refused():
    with pytest.raises(
        UserError, match="format must be one of png, jpeg, webp, not 'gif'"
    ) as error:
        encode(noise(2, 2), format="gif")
    assert error.value.code == "option-invalid"


def test_a_picture_is_decoded_once_and_its_limit_counts():
    text = encoded(noise(40, 30, seed=11))
    first = decode_cached(text, "content", 10_000, 100)
    assert decode_cached(text, "style", 10_000, 100) is first
    assert decode_cached(encoded(noise(40, 30, seed=12)), "content", 10_000, 100) is not first
    with pytest.raises(UserError, match=r"^style has 40×30 pixels"):
        decode_cached(text, "style", 1000, 100)


def test_a_large_picture_is_kept_small():
    decoded = decode_cached(encoded(noise(40, 30, seed=11)), "content", 10_000, 20)
    assert (decoded.picture.size, decoded.size) == ((20, 15), (40, 30))


@pytest.mark.parametrize(
    "spelling",
    [
        lambda text: text,
        lambda text: f"data:image/png;base64,{text}",
        lambda text: f"data:image/png;name=a.png;charset=utf-8;base64,{text}",
        lambda text: "\n".join(textwrap.wrap(text, 76)),  # as the command base64 prints it
        lambda text: f"  {text}\r\n",
    ],
)
def test_usual_spellings_are_decoded(spelling):
    assert decode(spelling(encoded(noise(9, 9)))).size == (9, 9)


def test_many_spaces_take_no_more_memory_than_the_text():
    text = "AB " * 500_000
    tracemalloc.start()
    try:
        with pytest.raises(UserError):
            decode(text)
        assert tracemalloc.get_traced_memory()[1] < 4 * len(text)
    finally:
        tracemalloc.stop()


UNUSUAL = {
    "rotated by EXIF": (lambda: _rotated(), "RGB", (20, 30)),
    "transparent": (lambda: file_bytes(noise(30, 20, "RGBA")), "RGBA", (30, 20)),
    "palette with alpha": (lambda: _palette(), "RGBA", (30, 20)),
    "16-bit grey": (lambda: _grey_16_bit(), "RGB", (30, 20)),
    "CMYK": (lambda: file_bytes(noise(30, 20, "CMYK"), "JPEG"), "RGB", (30, 20)),
    "one bit": (lambda: file_bytes(noise(30, 20).convert("1")), "RGB", (30, 20)),
}


def _rotated():
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    return file_bytes(noise(30, 20), "JPEG", exif=exif)


def _palette():
    picture = noise(30, 20).quantize(8)
    return file_bytes(picture, "PNG", transparency=0)


def _grey_16_bit():
    levels = np.linspace(0, 65535, 600).reshape(20, 30).astype(np.uint16)
    return file_bytes(Image.fromarray(levels))


@pytest.mark.parametrize("name", UNUSUAL)
def test_unusual_pictures_are_normalised(name):
    data, mode, size = UNUSUAL[name]
    picture = decode(base64.b64encode(data()).decode())
    assert (picture.mode, picture.size) == (mode, size)


def _animated():
    return file_bytes(noise(8, 8), "GIF", save_all=True, append_images=[noise(8, 8, seed=1)])


INVALID = {
    "no base64": (lambda: "photo.jpg", "base64-invalid"),
    "not padded": (lambda: encoded(noise(9, 9)) + "A", "base64-invalid"),
    "other letters": (lambda: "фото", "base64-invalid"),
    "lone surrogate": (lambda: "\ud800", "base64-invalid"),
    "nothing": (lambda: "", "picture-empty"),
    "text": (lambda: base64.b64encode(b"just words").decode(), "picture-format-unsupported"),
    "truncated": (
        lambda: base64.b64encode(file_bytes(noise(99, 99))[:5000]).decode(),
        "picture-damaged",
    ),
    "animated": (lambda: base64.b64encode(_animated()).decode(), "picture-animated"),
    "too large": (lambda: encoded(noise(101, 100)), "picture-too-large"),
}


@pytest.mark.parametrize("name", INVALID)
def test_invalid_text_is_refused_with_one_sentence(name):
    text, code = INVALID[name]
    for decoder in (decode, partial(decode_cached, max_side=100)):
        with pytest.raises(UserError) as error:
            decoder(text(), "row 1: content", 10_000)
        assert error.value.code == code
        assert "\n" not in str(error.value)
        assert str(error.value).startswith("row 1: content ")


def test_the_message_says_what_to_send():
    with pytest.raises(UserError) as error:
        decode("photo.jpg", "content")
    assert str(error.value) == (
        "content is not valid base64; send the bytes of a picture file in base64"
    )


def test_broken_pictures_raise_nothing_but_user_errors():
    texts = (base64.b64encode(data).decode() for data in pictures(11))
    outcome = open_all(islice(texts, 300), 1_000_000)
    assert outcome.faults == []
    assert outcome.answers["refused"] > 100


@given(st.sampled_from(["RGB", "RGBA"]), st.integers(1, 40), st.integers(1, 40), st.data())
def test_every_picture_is_decoded_to_itself(mode, width, height, data):
    size = width * height * len(mode)
    seed = data.draw(st.binary(min_size=1, max_size=64))
    picture = Image.frombytes(mode, (width, height), (seed * size)[:size])
    decoded = decode(encode(picture))
    assert (decoded.mode, decoded.size, decoded.tobytes()) == (
        mode,
        picture.size,
        picture.tobytes(),
    )


BASE64 = st.binary(max_size=60).map(lambda data: base64.b64encode(data).decode())


@given(st.text() | BASE64 | st.builds("data:{};base64,{}".format, st.text(max_size=9), BASE64))
def test_every_text_is_a_picture_or_a_user_error(text):
    try:
        assert decode(text, "it").mode in ("RGB", "RGBA")
    except UserError as error:
        assert str(error).startswith("it ")
        assert "\n" not in str(error)
