"""Every picture that is written or served carries metadata that says how it was made."""

import base64
import io
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from stylefuse.images.base64 import encode
from stylefuse.images.save import SAVE_OPTIONS, save_picture
from stylefuse.inference.predictor import find_predictor
from tests.support.models import noise

IPTC = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
TERMS = {
    "transfer": "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia",
    "restore": "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia",
    "portrait": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
}


def source_type(file) -> str | None:
    """The IPTC digital source type of a picture file, as any XMP reader would find it."""
    with Image.open(file) as picture:
        picture.load()
        packet = picture.info["xmp"]
    return ET.fromstring(packet).findtext(f".//{IPTC}DigitalSourceType")


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("suffix", SAVE_OPTIONS)
def test_a_file_has_its_source_type_in_every_format(tmp_path, suffix, name):
    path = tmp_path / f"picture{suffix}"
    save_picture(noise(9, 7, "RGBA"), path, find_predictor(name).picture_origin())
    assert source_type(path) == TERMS[name]


def test_a_served_picture_names_the_model_that_made_it():
    data = base64.b64decode(encode(noise(9, 7), find_predictor("portrait").picture_origin()))
    assert source_type(io.BytesIO(data)) == TERMS["portrait"]
    assert Image.open(io.BytesIO(data)).text["Software"] == "stylefuse portrait"


def test_the_metadata_of_an_input_is_not_copied(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    noise(9, 7).save(tmp_path / "own.jpg", exif=exif)
    own = Image.open(tmp_path / "own.jpg")
    for suffix in SAVE_OPTIONS:
        path = tmp_path / f"picture{suffix}"
        save_picture(own, path, find_predictor("restore").picture_origin())
        assert b"where I live" not in path.read_bytes()
