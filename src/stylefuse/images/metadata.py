"""Metadata of generated pictures: which model made them, that a model did, and what is kept of the
photograph that they were made from.

The digital source type is a term of IPTC's vocabulary, stored in an XMP packet, where photo
programs, archives and social networks look for it.
"""

import warnings
from pathlib import Path
from typing import Any, NamedTuple

from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from stylefuse.images.exif import read_exif
from stylefuse.images.open import open_header

XMP_PACKET = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>{term}</Iptc4xmpExt:DigitalSourceType>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TIFF_XMP_TAG = 700
Base = ExifTags.Base
KEPT_TAGS = (
    Base.Make, Base.Model, Base.DateTime, Base.Artist, Base.Copyright, Base.XResolution,
    Base.YResolution, Base.ResolutionUnit,
)  # fmt: skip
KEPT_PHOTO_TAGS = Base.DateTimeOriginal, Base.OffsetTimeOriginal, Base.LensModel


class PictureOrigin(NamedTuple):
    """The model that made a picture.

    Attributes:
        model: its name.
        source_type: a term of IPTC's vocabulary of digital source types.
    """

    model: str
    source_type: str


def generation_metadata(
    origin: PictureOrigin, format: str, exif: Image.Exif | None = None
) -> dict[str, Any]:
    """Arguments for Pillow's `save` that write the metadata of a generated picture.

    Args:
        origin: the model that made the picture.
        format: "PNG", "JPEG", "WEBP" or "TIFF".
        exif: further metadata; a TIFF file has the packet among them.
    """
    packet = XMP_PACKET.format(term=SOURCE_TYPES + origin.source_type)
    if format == "TIFF":
        exif = exif or Image.Exif()
        exif[TIFF_XMP_TAG] = packet.encode()
        return {"exif": exif}
    if format != "PNG":
        return {"xmp": packet.encode()}
    info = PngInfo()
    info.add_text("Software", f"stylefuse {origin.model}")
    info.add_itxt("XML:com.adobe.xmp", packet)
    return {"pnginfo": info}


def kept_metadata(photograph: Path) -> dict[str, Any]:
    """Arguments for Pillow's `save` that keep a photograph's date, camera, author and resolution.

    Its place, its preview and everything else are dropped. What cannot be read is dropped, too.
    """
    try:
        with warnings.catch_warnings(action="ignore"), open_header(photograph) as picture:
            exif, dpi = read_exif(picture), picture.info.get("dpi")
            photo = exif.get_ifd(ExifTags.IFD.Exif)
    except Exception:  # Pillow's parsers of metadata raise errors of every kind
        return {}
    own = Image.Exif()
    own.update({tag: exif[tag] for tag in KEPT_TAGS if tag in exif})
    if Base.DateTimeOriginal in photo:  # Pillow writes no other directory into a TIFF file
        own[Base.DateTime] = photo[Base.DateTimeOriginal]
    own.get_ifd(ExifTags.IFD.Exif).update({t: photo[t] for t in KEPT_PHOTO_TAGS if t in photo})
    arguments: dict[str, Any] = {"exif": own} if own or own.get_ifd(ExifTags.IFD.Exif) else {}
    return arguments | ({"dpi": tuple(map(float, dpi))} if dpi else {})
