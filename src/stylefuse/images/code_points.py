"""The code points (ITU-T H.273) by which PNG, AVIF and HEIC files say what their colours mean."""

from typing import NamedTuple

from PIL import Image

from stylefuse.errors import UserError
from stylefuse.images.png_rows import chunks

PNG_CHUNK, ISO_BOX = b"cICP", b"colrnclx"
MAX_BEFORE_PIXELS = 1 << 20  # bytes of an AVIF or HEIC file in which the box is looked for
RGB_MATRIX = 0  # of a PNG, which holds no other
HDR = {16: "PQ", 18: "HLG"}  # transfer functions of ITU-R BT.2100
EXPONENTS = {4: 1 / 2.2, 5: 1 / 2.8, 8: 1.0}  # transfer function → of light; others are like sRGB's
D65 = 0.3127, 0.3290
PRIMARIES = {  # x and y of white, red, green and blue
    9: (*D65, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046),  # ITU-R BT.2020
    12: (*D65, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # Display P3
}


class CodePoints(NamedTuple):
    """What a file says of its colours, by H.273's numbers."""

    primaries: int
    transfer: int


def find_code_points(data: bytes, picture: Image.Image) -> CodePoints | None:
    """The code points of a file; None if it has none that count.

    Those of a PNG overrule a profile, those of an AVIF or HEIC file do not.

    Args:
        data: the file.
        picture: as Pillow opens it.
    """
    if picture.format == "PNG":
        values = next((chunk for name, chunk in chunks(data) if name == PNG_CHUNK), b"")
        is_valid = len(values) == 4 and values[2] == RGB_MATRIX
        return CodePoints(values[0], values[1]) if is_valid else None
    place = data.find(ISO_BOX, 0, MAX_BEFORE_PIXELS) + len(ISO_BOX)
    values = data[place : place + 4]
    has_profile = "icc_profile" in picture.info
    if place < len(ISO_BOX) or len(values) < 4 or has_profile:
        return None
    return CodePoints(int.from_bytes(values[:2]), int.from_bytes(values[2:]))


def refuse_hdr(points: CodePoints, name: str) -> None:
    """Refuse a picture whose levels are brighter than a screen's white, which no conversion to 8
    bits keeps.

    Raises:
        UserError: it is one.
    """
    if points.transfer in HDR:
        raise UserError(
            f"{name} is an HDR picture ({HDR[points.transfer]}); save it as an SDR picture, with "
            "8 or 16 bits per channel",
            code="picture-hdr",
        )
