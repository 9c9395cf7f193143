"""Files that the page offers to the browser."""

from PIL import Image

from stylefuse.web.download import preview_path


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
