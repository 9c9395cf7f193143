"""One photograph that fails is named, and the others are painted."""

import zipfile
from pathlib import Path

import pytest

from stylefuse.cancellation import Cancelled
from stylefuse.errors import UserError
from stylefuse.web.fields import Upload, page_error
from stylefuse.web.several import paint_into_zip


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))


def paint(upload):
    if upload.name == "text.txt":
        raise page_error("not a <PNG> & co")
    if upload.name == "large.png":
        raise UserError("too large", code="picture-too-large")
    return upload.name.encode()


def uploads(*names):
    return [Upload(Path(name), name) for name in names]


def test_those_that_fail_are_named():
    steps = []
    path, report = paint_into_zip(
        paint, uploads("a.png", "text.txt", "large.png", "a.jpg"), "transfer",
        lambda done, **_: steps.append(done),
    )  # fmt: skip
    assert report.splitlines() == [
        "2 of 4 were painted.", "text.txt: not a <PNG> & co", "large.png: too large",
    ]  # fmt: skip
    assert steps == [(0, 4), (1, 4), (2, 4), (3, 4)]
    with zipfile.ZipFile(path) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert contents == {"a-transfer.png": b"a.png", "a-transfer-2.png": b"a.jpg"}


def test_nothing_is_downloaded_if_all_fail(tmp_path):
    with pytest.raises(UserError) as error:
        paint_into_zip(paint, uploads("text.txt"), "transfer", lambda *_, **__: None)
    assert error.value.code == "pictures-failed"
    assert not list(tmp_path.rglob("*.zip"))


def test_nothing_is_left_if_the_visitor_has_gone(tmp_path):
    def paint_until_cancelled(upload):
        if upload.name == "b.png":
            raise Cancelled
        return b"painted"

    names = uploads("a.png", "b.png", "c.png")
    with pytest.raises(Cancelled):
        paint_into_zip(paint_until_cancelled, names, "transfer", lambda *_, **__: None)
    assert not list(tmp_path.rglob("*.zip"))
