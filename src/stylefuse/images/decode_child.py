"""Decodes a picture, in a process of its own that `isolated_decoder` starts.

Reads a file from standard input and writes its mode, width and height as a line of text, then its
pixels, to standard output; or, with exit status 1, a sentence. The arguments are the format, "AVIF"
or "HEIF", and the number of bytes of memory that decoding may take.
"""

import contextlib
import sys

from PIL import AvifImagePlugin, Image


def main() -> int:
    Image.MAX_IMAGE_PIXELS = None  # `open_picture` has checked the size that the file states
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1  # each thread needs memory
    format, limit = sys.argv[1], int(sys.argv[2])
    if format == "HEIF":
        import pillow_heif

        pillow_heif.register_heif_opener()
    with contextlib.suppress(ImportError, OSError, ValueError):  # Linux knows this limit
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        with Image.open(sys.stdin.buffer, formats=(format,)) as picture:
            picture.load()
            header = f"{picture.mode} {picture.width} {picture.height}\n"
            sys.stdout.buffer.write(header.encode() + picture.tobytes())
    except Exception as error:  # decoders raise errors of every kind for broken files
        is_large = isinstance(error, MemoryError)
        sys.stdout.write("it takes more memory than its size suggests" if is_large else str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
