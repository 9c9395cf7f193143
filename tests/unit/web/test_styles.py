"""The field for a style holds a picture, or a learned style."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from markdown_it import MarkdownIt

from stylefuse.config import Serve
from stylefuse.inference.style_gallery import shipped_styles
from stylefuse.web.styles import StyleField, caption, style_picture
from tests.support.models import noise

STYLE = shipped_styles()["great-wave"]


@pytest.fixture(autouse=True)
def uploads(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))


def value(path):
    field = StyleField("Style", Serve())
    return field.preprocess(SimpleNamespace(path=str(path), orig_name=path.name))


def test_the_painting_of_a_learned_style_stands_for_it():
    read = value(style_picture(STYLE))
    assert read.code.tolist() == STYLE.code.tolist()
    assert (read.name, read.weights) == (STYLE.name, STYLE.weights)


def test_styles_of_one_painting_do_not_replace_each_other():
    other = replace(STYLE, code=STYLE.code + 1)
    paths = style_picture(STYLE), style_picture(other)
    assert [value(path).code[0] for path in paths] == [STYLE.code[0], other.code[0]]


def test_a_file_beside_an_upload_is_not_read(tmp_path):
    noise(40, 30).save(tmp_path / "a.png")
    (tmp_path / "learned.style").write_text("anything")
    assert value(tmp_path / "a.png").size == (40, 30)
    assert StyleField("Style", Serve()).preprocess(None) is None


def test_a_caption_is_text():
    name = "![a](http://example.org/x.png) <b>*bold*</b> `code` [link](y) _é_ \\"
    html = MarkdownIt("commonmark").render(caption(replace(STYLE, name=name, source="")))
    assert html.count("<") == html.count("<p>") + html.count("</p>")
    assert "é" in html
