"""What a picture says of itself: that a model made it, and which.

How a picture was made is a term of IPTC's vocabulary of digital source types, in an XMP packet:
that is where photo programs, archives and social networks look for it.
"""

from typing import Any, NamedTuple

from PIL.PngImagePlugin import PngInfo

PACKET = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/">
   <Iptc4xmpExt:DigitalSourceType>{term}</Iptc4xmpExt:DigitalSourceType>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""
TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
TIFF_XMP = 700


class PictureOrigin(NamedTuple):
    """What made a picture.

    Attributes:
        model: its name.
        source_type: a term of IPTC's vocabulary of digital source types.
    """

    model: str
    source_type: str


def generation_metadata(origin: PictureOrigin, format: str) -> dict[str, Any]:
    """What Pillow's `save` is to be given, so that a picture says how it was made.

    Args:
        origin: what made the picture.
        format: "PNG", "JPEG", "WEBP" or "TIFF".
    """
    packet = PACKET.format(term=TERMS + origin.source_type)
    if format == "TIFF":
        return {"tiffinfo": {TIFF_XMP: packet.encode()}}
    if format != "PNG":
        return {"xmp": packet.encode()}
    texts = PngInfo()
    texts.add_text("Software", f"stylefuse {origin.model}")
    texts.add_itxt("XML:com.adobe.xmp", packet)
    return {"pnginfo": texts}
