"""Every picture that is written or served says how it was made, in every format."""

import base64
import io
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from stylefuse.images.base64 import encode
from stylefuse.images.save import WRITTEN, save_picture
from stylefuse.models.task import find_task
from tests.support.models import noise

IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
TERMS = {
    "transfer": "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia",
    "restore": "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia",
    "portrait": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
}


def source_type(file) -> str | None:
    """What a picture file says of how it was made, read as any XMP reader would."""
    with Image.open(file) as picture:
        picture.load()
        packet = picture.info["xmp"]
    return ET.fromstring(packet).findtext(f".//{IPTC}DigitalSourceType")


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("suffix", WRITTEN)
def test_a_file_says_how_it_was_made(tmp_path, suffix, name):
    path = tmp_path / f"picture{suffix}"
    save_picture(noise(9, 7, "RGBA"), path, find_task(name).picture_origin)
    assert source_type(path) == TERMS[name]


def test_what_is_served_says_which_model_made_it():
    data = base64.b64decode(encode(noise(9, 7), find_task("portrait").picture_origin))
    assert source_type(io.BytesIO(data)) == TERMS["portrait"]
    assert Image.open(io.BytesIO(data)).text["Software"] == "stylefuse portrait"


def test_nothing_else_is_said(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    noise(9, 7).save(tmp_path / "own.jpg", exif=exif)
    own = Image.open(tmp_path / "own.jpg")
    for suffix in WRITTEN:
        path = Path(tmp_path / f"picture{suffix}")
        save_picture(own, path, find_task("restore").picture_origin)
        assert b"where I live" not in path.read_bytes()
