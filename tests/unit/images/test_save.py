"""Pictures are saved atomically, in the format of their suffix."""

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from stylefuse.errors import UserError
from stylefuse.images.metadata import PictureOrigin
from stylefuse.images.open import flatten, open_picture
from stylefuse.images.save import SAVE_OPTIONS, WHITE, save_picture, write_picture
from tests.support.models import noise

ORIGIN = PictureOrigin("transfer", "compositeWithTrainedAlgorithmicMedia")


@pytest.mark.parametrize("suffix", [*SAVE_OPTIONS, ".PNG"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_saved_picture_is_opened_again(suffix, mode, tmp_path):
    picture, path = noise(6, 5, mode).resize((48, 40)), tmp_path / f"new/picture{suffix}"
    save_picture(picture, path, ORIGIN)
    opened = open_picture(path)
    jpeg = opened.info["format"] == "JPEG"
    assert opened.mode == ("RGB" if jpeg else mode)
    expected = flatten(picture, WHITE) if jpeg else flatten(picture)
    difference = np.abs(np.asarray(flatten(opened), int) - np.asarray(expected, int))
    lossy = opened.info["format"] in ("JPEG", "WEBP")
    assert difference.mean() < (15 if lossy else 1e-9)
    assert ORIGIN.source_type.encode() in path.read_bytes()


def test_a_picture_without_origin_has_no_metadata(tmp_path):
    path = tmp_path / "plain.png"
    write_picture(noise(4, 4), path, {"format": "PNG"})
    assert b"iptc" not in path.read_bytes()


def test_a_picture_that_cannot_be_encoded_leaves_the_old_one(tmp_path):
    path = tmp_path / "picture.webp"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="WebP"):
        save_picture(noise(20_000, 1), path, ORIGIN)  # wider than WebP allows
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["picture.webp"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match=r"file/picture\.png cannot be written") as error:
        save_picture(noise(4, 4), Path(tmp_path, "file/picture.png"), ORIGIN)
    assert error.value.code == "file-not-writable"


def photograph(path):
    """A photograph with a date, a camera, a resolution and a place."""
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = "a camera"
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = "1999:12:31 23:59:59"
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    noise(48, 40).save(path, exif=exif, dpi=(600, 600))
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_date_camera_and_resolution_are_kept_and_the_place_is_not(suffix, tmp_path):
    path = tmp_path / f"painted{suffix}"
    save_picture(noise(48, 40), path, ORIGIN, photograph(tmp_path / "photo.jpg"))
    with Image.open(path) as painted:
        exif = painted.getexif()
        assert exif[ExifTags.Base.Model] == "a camera"
        photo = exif.get_ifd(ExifTags.IFD.Exif)
        date = exif if suffix == ".tif" else photo
        tag = ExifTags.Base.DateTime if suffix == ".tif" else ExifTags.Base.DateTimeOriginal
        assert date[tag] == "1999:12:31 23:59:59"
        assert not exif.get_ifd(ExifTags.IFD.GPSInfo)
        if suffix != ".webp":
            assert painted.info["dpi"] == pytest.approx((600, 600), abs=1)
    assert ORIGIN.source_type.encode() in path.read_bytes()


def test_a_photograph_without_metadata_keeps_none(tmp_path):
    noise(8, 8).save(tmp_path / "plain.png")
    save_picture(noise(8, 8), tmp_path / "out.jpg", ORIGIN, tmp_path / "plain.png")
    with Image.open(tmp_path / "out.jpg") as painted:
        assert not dict(painted.getexif())
