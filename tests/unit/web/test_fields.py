"""Uploaded pictures are opened within limits, and errors become messages on the page."""

from types import SimpleNamespace

import gradio as gr
import pytest
from PIL import Image

from stylefuse.config import Serve
from stylefuse.web.fields import (
    BRUSH,
    FILE_NAME,
    MAX_STROKES,
    UNKNOWN_FORMAT,
    Mask,
    Picture,
    page_error,
)
from tests.support.models import file_bytes, noise

LIMITS = Serve(max_pixels=10_000, max_side=80)


@pytest.fixture
def upload(tmp_path):
    """Writes an uploaded file, and returns Gradio's record of it."""

    def upload(content):
        path = tmp_path / "upload"
        path.write_bytes(content)
        return SimpleNamespace(path=str(path), orig_name="cat.jpg")

    return upload


def test_a_picture_keeps_its_transparency(upload):
    field = Picture("Photograph", LIMITS)
    assert field.preprocess(None) is None
    picture = field.preprocess(upload(file_bytes(noise(40, 30, "RGBA"))))
    assert (picture.size, picture.mode) == ((40, 30), "RGBA")
    assert picture.info[FILE_NAME] == "cat.jpg"


def test_a_picture_is_scaled_down_at_once(upload):
    picture = Picture("Photograph", LIMITS).preprocess(upload(file_bytes(noise(100, 50))))
    assert picture.size == (80, 40)
    assert picture.info[FILE_NAME] == "cat.jpg"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Photograph is empty"),
        (file_bytes(noise(64, 64))[:900], "Photograph is damaged"),
        (file_bytes(noise(200, 100)), "more than the 10,000 allowed"),
    ],
)
def test_a_file_that_cannot_be_used_gets_a_message(upload, content, message):
    with pytest.raises(gr.Error, match=message):
        Picture("Photograph", LIMITS).preprocess(upload(content))


def test_another_kind_of_file_is_named_as_such(upload):
    with pytest.raises(gr.Error) as error:
        Picture("Photograph", LIMITS).preprocess(upload(b"no picture"))
    assert error.value.message == UNKNOWN_FORMAT


def test_markup_in_a_message_is_text():
    assert page_error("<img src=x>.jpg & it's").message == "&lt;img src=x&gt;.jpg &amp; it's"


def test_a_mask_is_white_where_the_user_painted():
    field = Mask("Mask", LIMITS)
    stroke = Image.new("RGBA", (40, 30))
    stroke.paste((225, 29, 72, round(255 * BRUSH[1])), (10, 10, 20, 20))
    stroke.paste((225, 29, 72, 9), (20, 10, 21, 20))  # the stroke's soft edge
    layers = [file_bytes(stroke), file_bytes(Image.new("RGBA", (40, 30)))]
    field.blob_storage["upload"] = SimpleNamespace(layers=layers)
    mask = field.preprocess(SimpleNamespace(id="upload"))
    assert (mask.mode, mask.getbbox()) == ("L", (10, 10, 20, 20))
    assert {colour for _, colour in mask.getcolors()} == {0, 255}
    for empty in ([], [layers[1]]):
        assert field.preprocess(SimpleNamespace(id=None, layers=empty)) is None


def test_strokes_that_nobody_asks_for_are_forgotten():
    field = Mask("Mask", LIMITS)
    for number in range(MAX_STROKES + 1):
        field.blob_storage[str(number)] = SimpleNamespace(layers=[])
    assert len(field.blob_storage) == MAX_STROKES
    assert field.preprocess(SimpleNamespace(id="0", layers=[])) is None
