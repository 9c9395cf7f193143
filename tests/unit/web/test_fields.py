"""What a browser sends is opened as any other picture, within limits."""

from types import SimpleNamespace

import gradio as gr
import pytest
from PIL import Image

from stylefuse.web.fields import Mask, Picture
from tests.support.models import file_bytes, noise


@pytest.fixture
def sent(tmp_path):
    def sent(content):
        path = tmp_path / "sent"
        path.write_bytes(content)
        return SimpleNamespace(path=str(path))

    return sent


def test_a_picture_keeps_its_transparency(sent):
    field = Picture("Photograph", 10_000)
    assert field.preprocess(None) is None
    opened = field.preprocess(sent(file_bytes(noise(40, 30, "RGBA"))))
    assert (opened.size, opened.mode) == ((40, 30), "RGBA")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "Photograph is empty"),
        (b"no picture", "Photograph is not a picture that can be read"),
        (file_bytes(noise(64, 64))[:900], "Photograph is damaged"),
        (file_bytes(noise(200, 100)), "more than the 10,000 allowed"),
    ],
)
def test_what_is_none_is_told_in_a_sentence(sent, content, told):
    with pytest.raises(gr.Error, match=told):
        Picture("Photograph", 10_000).preprocess(sent(content))


def test_a_mask_is_where_something_was_painted():
    field = Mask("Mask", 10_000)
    stroke = Image.new("RGBA", (40, 30))
    stroke.paste("white", (10, 10, 20, 20))
    layers = [file_bytes(stroke), file_bytes(Image.new("RGBA", (40, 30)))]
    field.blob_storage["sent"] = SimpleNamespace(layers=layers)
    mask = field.preprocess(SimpleNamespace(id="sent"))
    assert (mask.mode, mask.getbbox()) == ("L", (10, 10, 20, 20))
    for empty in ([], [layers[1]]):
        assert field.preprocess(SimpleNamespace(id=None, layers=empty)) is None
