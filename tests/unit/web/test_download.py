"""Files that the page offers to the browser."""

import os

from PIL import Image

from stylefuse.web import download
from stylefuse.web.download import download_path, preview_path


def test_an_equal_preview_does_not_change_the_file_that_a_browser_is_reading():
    picture = Image.radial_gradient("L").convert("RGB")
    path = preview_path(picture)
    complete = path.read_bytes()
    with path.open("rb") as being_sent:
        start = being_sent.read(100)
        assert preview_path(picture.copy()) == path
        assert start + being_sent.read() == complete
    assert path.read_bytes() == complete
    assert Image.open(path).tobytes() == picture.tobytes()
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_other_previews_have_other_files():
    paths = {
        preview_path(Image.new(mode, size)) for mode in ("L", "RGB") for size in ((2, 3), (3, 2))
    }
    assert len(paths) == 4


def test_the_oldest_previews_and_downloads_make_room(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    uploaded = tmp_path / "0123/photo.png"
    uploaded.parent.mkdir()
    uploaded.write_bytes(bytes(5000))
    monkeypatch.setattr(download, "MAX_MADE", 2500)
    files = []
    for second in range(4):
        files.append(download_path("picture.png"))
        files[-1].write_bytes(bytes(1000))
        os.utime(files[-1], (second, second))
        os.utime(files[-1].parent, (second, second))
    preview = preview_path(Image.new("RGB", (2, 2)))
    assert [path.exists() for path in files] == [False, False, True, True]
    assert preview.exists()
    assert uploaded.exists()
