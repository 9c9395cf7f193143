"""Metadata of generated pictures: which model made them, and that a model did.

The digital source type is a term of IPTC's vocabulary, stored in an XMP packet, where photo
programs, archives and social networks look for it.
"""

from typing import Any, NamedTuple

from PIL.PngImagePlugin import PngInfo

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


class PictureOrigin(NamedTuple):
    """The model that made a picture.

    Attributes:
        model: its name.
        source_type: a term of IPTC's vocabulary of digital source types.
    """

    model: str
    source_type: str


def generation_metadata(origin: PictureOrigin, format: str) -> dict[str, Any]:
    """Arguments for Pillow's `save` that write the metadata of a generated picture.

    Args:
        origin: the model that made the picture.
        format: "PNG", "JPEG", "WEBP" or "TIFF".
    """
    packet = XMP_PACKET.format(term=SOURCE_TYPES + origin.source_type)
    if format == "TIFF":
        return {"tiffinfo": {TIFF_XMP_TAG: packet.encode()}}
    if format != "PNG":
        return {"xmp": packet.encode()}
    info = PngInfo()
    info.add_text("Software", f"stylefuse {origin.model}")
    info.add_itxt("XML:com.adobe.xmp", packet)
    return {"pnginfo": info}
