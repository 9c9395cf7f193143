"""Names of downloads are those of the uploaded files, made safe."""

import pytest

from stylefuse.web.file_names import download_name, unused_name


@pytest.mark.parametrize(
    ("uploaded", "name"),
    [
        ("cat.jpg", "cat-transfer"),
        ("naïve 日本 (1).tar.gz", "naïve 日本 (1).tar-transfer"),
        ("../../etc/passwd", "passwd-transfer"),
        (r"C:\pictures\cat.png", "cat-transfer"),
        ('a<b>:"|?*\n.png', "ab-transfer"),
        (" . .png", "picture-transfer"),
        ("", "picture-transfer"),
        (None, "picture-transfer"),
        ("13", "13-transfer"),
    ],
)
def test_a_download_is_named_after_the_upload(uploaded, name):
    assert download_name(uploaded, "transfer") == name


def test_a_long_name_is_cut_between_characters():
    name = download_name("日" * 500 + ".jpg", "transfer")
    assert name == "日" * 40 + "-transfer"


def test_names_of_one_archive_differ():
    assert unused_name("a", {"b"}) == "a"
    assert unused_name("a", {"a", "a-2"}) == "a-3"
