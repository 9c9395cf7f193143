"""Opens and decodes a picture, in a process of its own that `isolated_decoder` starts.

Reads a file from standard input. Writes a line of JSON about it to standard output, then its pixels
if there are few enough; or, with exit status 1, a sentence. The arguments are the format, "AVIF" or
"HEIF", how many pixels are decoded at most, and how many bytes of memory opening takes at most, and
decoding per pixel.
"""

import base64
import contextlib
import json
import sys

from PIL import AvifImagePlugin, Image


def main() -> int:
    Image.MAX_IMAGE_PIXELS = None  # the limit is an argument
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # each thread needs memory
    format, *numbers = sys.argv[1:]
    max_pixels, base_bytes, bytes_per_pixel = map(int, numbers)
    if format == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    limit_memory(base_bytes)
    try:
        with Image.open(sys.stdin.buffer, formats=(format,)) as picture:
            pixels = picture.width * picture.height
            is_animated = bool(getattr(picture, "is_animated", False))
            is_decoded = pixels <= max_pixels and not is_animated
            header = {
                "mode": picture.mode, "size": picture.size, "is_animated": is_animated,
                "is_decoded": is_decoded,
                "info": {
                    name: base64.b64encode(picture.info[name]).decode()
                    for name in ("exif", "icc_profile")
                    if isinstance(picture.info.get(name), bytes)
                },
            }  # fmt: skip
            data = b""
            if is_decoded:
                limit_memory(base_bytes + bytes_per_pixel * pixels)
                data = picture.tobytes()
        sys.stdout.buffer.write(json.dumps(header).encode() + b"\n" + data)
    except Exception as error:  # decoders raise errors of every kind for broken files
        is_large = isinstance(error, MemoryError)
        sys.stdout.write("it takes more memory than its size suggests" if is_large else str(error))
        return 1
    return 0


def limit_memory(limit: int) -> None:
    """Limit the memory of this process, in bytes, where the system can."""
    with contextlib.suppress(ImportError, OSError, ValueError):  # Linux can
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (limit, resource.RLIM_INFINITY))


if __name__ == "__main__":
    sys.exit(main())
