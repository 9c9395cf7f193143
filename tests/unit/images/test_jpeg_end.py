"""A JPEG without its end marker is opened with a warning; one that lacks more is refused."""

import io

import numpy as np
import pytest
from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.jpeg_end import SCAN, lacks_only_its_end
from stylefuse.images.open import open_picture
from tests.support.models import noise

GREY = Image.new("RGB", (203, 101), (128, 128, 128))  # what libjpeg puts for missing data


def encoded(picture, **options):
    file = io.BytesIO()
    picture.save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("picture", [noise(203, 101), noise(203, 101, "L"), GREY])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_only_the_end_marker_may_be_missing(picture, subsampling, caplog):
    whole = encoded(picture, subsampling=subsampling)
    assert not lacks_only_its_end(whole)
    cut = whole[:-2]
    assert lacks_only_its_end(cut)
    np.testing.assert_array_equal(open_picture(cut, "cut.jpg"), open_picture(whole))
    assert caplog.messages == ["cut.jpg lacks its end marker, and nothing else"]
    for missing in (10, 30, (len(whole) - whole.rfind(SCAN)) // 2):
        assert not lacks_only_its_end(whole[:-missing])
        with pytest.raises(UserError, match="cut short"):
            open_picture(whole[:-missing])


def test_a_preview_in_the_file_is_not_its_end():
    exif = b"Exif\0\0" + bytes(20) + encoded(GREY.resize((16, 16)))
    assert lacks_only_its_end(encoded(noise(203, 101), exif=exif)[:-2])


def test_a_progressive_file_may_lack_scans():
    cut = encoded(noise(203, 101), progressive=True)[:-2]
    assert not lacks_only_its_end(cut)
    with pytest.raises(UserError, match="cut short"):
        open_picture(cut)
