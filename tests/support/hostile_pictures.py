"""Malformed and malicious picture files; the same seed makes the same ones."""

import random
import struct
import zlib
from collections.abc import Iterator

from PIL import Image, ImageCms

from tests.support.models import file_bytes, noise

EDGE_INTEGERS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "words"
    return exif


def samples() -> list[bytes]:
    """Valid picture files of every format and of many modes."""
    rgb, rgba = noise(24, 18), noise(24, 18, "RGBA")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile[:24] + bytes(12) + profile[36:]  # the time at which it was made
    return [
        file_bytes(rgb),
        file_bytes(rgba, icc_profile=profile, exif=_exif()),
        file_bytes(rgb.quantize(9), transparency=0),
        file_bytes(rgb.convert("1")),
        file_bytes(rgb.convert("I;16")),
        file_bytes(rgb, save_all=True, append_images=[noise(24, 18, seed=1)]),
        file_bytes(rgb, "JPEG", icc_profile=profile, exif=_exif()),
        file_bytes(rgb, "JPEG", progressive=True, quality=30),
        file_bytes(noise(24, 18, "CMYK"), "JPEG"),
        file_bytes(rgb, "MPO", save_all=True, append_images=[noise(8, 8)]),
        file_bytes(rgb, "WEBP", exif=_exif()),
        file_bytes(rgba, "WEBP", lossless=True, icc_profile=profile),
        file_bytes(rgb, "WEBP", save_all=True, append_images=[noise(24, 18, seed=1)]),
        file_bytes(rgb, "TIFF"),
        file_bytes(rgba, "TIFF", compression="tiff_lzw"),
        file_bytes(rgb, "TIFF", compression="tiff_adobe_deflate", exif=_exif()),
        file_bytes(rgb, "TIFF", compression="jpeg"),
        file_bytes(rgb.convert("1"), "TIFF", compression="group4"),
        file_bytes(rgb, "GIF"),
        file_bytes(rgb, "GIF", save_all=True, append_images=[noise(24, 18, seed=1)]),
        file_bytes(rgb, "BMP"),
        file_bytes(rgb.quantize(9), "BMP"),
        file_bytes(rgb, "PPM"),
        file_bytes(rgb.convert("L"), "PPM"),
    ]


def bombs() -> list[bytes]:
    """Files whose headers announce huge pictures, or whose data expand to a lot of memory."""
    packed = zlib.compress(bytes(30_000_000), 9)
    big = struct.pack(">IIBBBBB", 6000, 6000, 8, 2, 0, 0, 0)
    bigger = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 16, 6, 0, 0, 0)
    small = struct.pack(">IIBBBBB", 4, 4, 8, 2, 0, 0, 0)
    loop = b"II*\0" + struct.pack("<IHHHIII", 8, 1, 256, 3, 1, 4, 8)
    return [
        _png((b"IHDR", big), (b"IDAT", packed[:20_000])),
        _png((b"IHDR", bigger), (b"IDAT", packed[:99])),
        _png((b"IHDR", small), (b"zTXt", b"a\0\0" + packed), (b"IDAT", packed[:99])),
        _png((b"IHDR", small), (b"iCCP", b"a\0\0" + packed), (b"IDAT", packed[:99])),
        _png((b"IHDR", small), *[(b"tEXt", b"a\0b")] * 5000, (b"IDAT", packed[:99])),
        loop,
        b"P6\n99999999 99999999\n255\n",
        b"P6\n6000 6000\n255\n" + bytes(99),
        b"P5\n" + b"1" * 5000 + b" 1\n255\n",
        b"BM" + struct.pack("<IIIIiiHHIIiiII", 9, 0, 54, 40, -5000, -5000, 1, 24, 0, 0, 0, 0, 0, 0),
        b"BM" + struct.pack("<IIIIiiHHIIiiII", 9, 0, 54, 40, 64, 64, 1, 8, 1, 0, 0, 0, 0, 0),
        b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0xF7, 0, 0) + bytes(768) + b",",
        b"RIFF\xff\xff\xff\xffWEBPVP8X\x0a\0\0\0\x10\0\0\0" + b"\xff\xff\xff" * 2,
        b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\3\1\x22\0\2\x11\1\3\x11\1\xff\xda",
    ]


def scan_bomb(scans: int, width: int = 6320, height: int = 6320) -> bytes:
    """A small progressive JPEG that takes long to decode: it consists of scans without content.

    At 40 megapixels each scan takes 64 bytes, and about 20 ms to decode.

    Args:
        scans: number of AC scans.
        width: of the picture in pixels.
        height: of the picture in pixels.
    """
    blocks = -(-width // 8) * -(-height // 8)
    quantisation = b"\xff\xdb" + struct.pack(">HB", 67, 0) + bytes([1] * 64)
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 11, 8, height, width, 1) + bytes([1, 0x11, 0])
    # one code of one bit in each Huffman table: difference 0, and EOB14 with a run in 14 more bits
    tables = [
        b"\xff\xc4" + struct.pack(">HB", 20, kind) + bytes([1] + [0] * 15) + bytes([symbol])
        for kind, symbol in ((0x00, 0x00), (0x10, 0xE0))
    ]
    first_scan = b"\xff\xda" + struct.pack(">HB", 8, 1) + bytes([1, 0x00, 0, 0, 0x00])
    bits = ""
    for start in range(0, blocks, 32767):
        run = min(blocks - start, 32767)
        bits += "0" + format(max(run - 16384, 0), "014b")
    bits += "1" * (-len(bits) % 8)
    data = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    scan = b"\xff\xda" + struct.pack(">HB", 8, 1) + bytes([1, 0x00, 1, 63, 0x00]) + data
    header = b"\xff\xd8" + quantisation + frame + b"".join(tables)
    return header + first_scan + bytes(-(-blocks // 8)) + scan * scans + b"\xff\xd9"


def _png(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in (*chunks, (b"IEND", b""))
    )
    return b"\x89PNG\r\n\x1a\n" + body


def pictures(seed: int) -> Iterator[bytes]:
    """An endless series of broken picture files."""
    rng, good = random.Random(seed), samples()
    yield from bombs()
    while True:
        data = bytearray(rng.choice(good))
        for _ in range(rng.choice((1, 1, 2, 4))):
            data = rng.choice(MUTATIONS)(data, rng)
        if rng.random() < 0.2:
            data = _splice(data, bytearray(rng.choice(good)), rng)
        yield _fix_checksums(bytes(data)) if rng.random() < 0.5 else bytes(data)


def flip(data: bytearray, rng: random.Random) -> bytearray:
    for _ in range(rng.choice((1, 1, 3, 10, 40))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def _flip_head(data: bytearray, rng: random.Random) -> bytearray:
    return flip(data[:60], rng) + data[60:]


def truncate(data: bytearray, rng: random.Random) -> bytearray:
    return data[: rng.randrange(len(data) + 1)]


def delete(data: bytearray, rng: random.Random) -> bytearray:
    start = rng.randrange(len(data) + 1)
    del data[start : start + rng.choice((1, 2, 4, 16, 100))]
    return data


def repeat(data: bytearray, rng: random.Random) -> bytearray:
    start = rng.randrange(len(data) + 1)
    part = data[start : start + rng.choice((1, 4, 16, 100))]
    return data[:start] + part * rng.choice((1, 2, 50)) + data[start:]


def _set_integer(data: bytearray, rng: random.Random) -> bytearray:
    integer = rng.choice([n for n in EDGE_INTEGERS if n <= 0xFFFF])
    packed = struct.pack(rng.choice((">I", "<I", ">H", "<H")), integer)
    place = rng.randrange(min(len(data), rng.choice((64, 4096))) + 1)
    data[place : place + len(packed)] = packed
    return data


def _set_large_integer(data: bytearray, rng: random.Random) -> bytearray:
    packed = struct.pack(rng.choice((">I", "<I")), rng.choice(EDGE_INTEGERS))
    place = rng.randrange(min(len(data), 128) + 1)
    data[place : place + 4] = packed
    return data


def _splice(one: bytearray, other: bytearray, rng: random.Random) -> bytearray:
    return one[: rng.randrange(len(one) + 1)] + other[rng.randrange(len(other) + 1) :]


MUTATIONS = (flip, _flip_head, truncate, delete, repeat, _set_integer, _set_large_integer)


def _fix_checksums(data: bytes) -> bytes:
    """A PNG with correct checksums, so that decoders read its damaged chunks."""
    if not data.startswith(b"\x89PNG"):
        return data
    out, place = bytearray(data), 8
    while place + 12 <= len(out):
        size = struct.unpack_from(">I", out, place)[0]
        end = place + 8 + size
        if end + 4 > len(out):
            break
        struct.pack_into(">I", out, end, zlib.crc32(out[place + 4 : end]))
        place = end + 4
    return bytes(out)


def small_chunks(count: int) -> bytes:
    """A PNG with that many further chunks, each without data."""
    png = file_bytes(noise(24, 18))
    start = png.index(b"IDAT") - 4
    empty = bytes(4) + b"abCd" + struct.pack(">I", zlib.crc32(b"abCd"))
    return png[:start] + empty * count + png[start:]
