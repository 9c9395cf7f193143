"""Opens a picture and scales it down, in a process of its own that `scaled` starts.

Reads a file from standard input. Writes a line of JSON to standard output, then the pixels of the
scaled picture; or, with exit status 3, a line with the message and the code of a `UserError`. The
arguments are the picture's name, how many pixels it may have, its longest side afterwards, and how
many bytes of memory this process may take.
"""

import json
import sys

from stylefuse.errors import UserError
from stylefuse.images.decode_child import limit_memory
from stylefuse.images.scaled import REFUSED, scale


def main() -> int:
    name, *numbers = sys.argv[1:]
    max_pixels, max_side, max_bytes = map(int, numbers)
    limit_memory(max_bytes)
    try:
        picture, file_size = scale(sys.stdin.buffer.read(), name, max_pixels, max_side)
    except UserError as error:
        sys.stdout.write(json.dumps({"message": str(error), "code": error.code}) + "\n")
        return REFUSED
    header = {
        "mode": picture.mode, "size": picture.size, "file_size": file_size, "info": picture.info
    }  # fmt: skip
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n" + picture.tobytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
