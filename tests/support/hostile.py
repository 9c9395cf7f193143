"""Malformed and malicious pictures and requests; the same seed makes the same ones."""

import base64
import copy
import json
import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from PIL import Image, ImageCms

from tests.support.models import encoded, file_bytes, noise

EDGE_INTEGERS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
ODD_VALUES = (
    None, True, False, 0, -1, 7, 2**31, 2**63, 10**300, 1.5, 1e308, float("nan"), float("inf"), "",
    "x", "%%%", "\0", "\ud800", "é" * 99, "data:image/png;base64,", [], {}, [[]], [None], {"": []},
    {"content": {}}, ["a", 1],
)  # fmt: skip
LONG_NUMBER = "9" * 5000


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "words"
    return exif


def samples() -> list[bytes]:
    """Valid picture files of every format and of many modes."""
    rgb, rgba = noise(24, 18), noise(24, 18, "RGBA")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
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


def _flip(data: bytearray, rng: random.Random) -> bytearray:
    for _ in range(rng.choice((1, 1, 3, 10, 40))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return data


def _flip_head(data: bytearray, rng: random.Random) -> bytearray:
    return _flip(data[:60], rng) + data[60:]


def _truncate(data: bytearray, rng: random.Random) -> bytearray:
    return data[: rng.randrange(len(data) + 1)]


def _delete(data: bytearray, rng: random.Random) -> bytearray:
    start = rng.randrange(len(data) + 1)
    del data[start : start + rng.choice((1, 2, 4, 16, 100))]
    return data


def _repeat(data: bytearray, rng: random.Random) -> bytearray:
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


MUTATIONS = (_flip, _flip_head, _truncate, _delete, _repeat, _set_integer, _set_large_integer)


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


@dataclass(frozen=True)
class Request:
    """A request to a scoring server.

    Attributes:
        body: of the request.
        headers: of the request.
        method: of HTTP.
        path: of the URL.
        raw: a complete HTTP request as bytes; if it is not empty, the other fields are ignored.
    """

    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    method: str = "POST"
    path: str = "/invocations"
    raw: bytes = b""


def valid_request() -> Request:
    """A request to the transfer model whose answer is one picture of 24×18 pixels."""
    return Request(json.dumps(_table(encoded(noise(24, 18)), encoded(noise(20, 20)))).encode())


def _table(content: object, style: object, **params: object) -> dict:
    row = [content, style]
    return {
        "dataframe_split": {"columns": ["content", "style"], "data": [row]},
        "params": {"strength": 0.5, **params},
    }


def requests(seed: int) -> Iterator[Request]:
    """An endless series of broken requests."""
    rng, broken = random.Random(seed), pictures(seed)
    kinds = (_odd_picture, _odd_value, _odd_value, _odd_text, _odd_form, _odd_header, _odd_http)
    while True:
        yield rng.choice(kinds)(rng, broken)


def _odd_picture(rng: random.Random, broken: Iterator[bytes]) -> Request:
    text = base64.b64encode(next(broken)).decode()
    variants = (
        text, text[:-1], text + "=", f"data:image/png;base64,{text}", text.replace("A", "\n", 3),
        text[: len(text) // 2] + "é", f" {text} ",
    )  # fmt: skip
    inputs = [encoded(noise(24, 18)), rng.choice((text, *variants))]
    rng.shuffle(inputs)
    return Request(json.dumps(_table(*inputs)).encode())


def _odd_value(rng: random.Random, _: Iterator[bytes]) -> Request:
    """A valid request with other values in some places."""
    table = json.loads(valid_request().body)
    for _ in range(rng.choice((1, 1, 2, 3))):
        places = list(_places(table))
        holder, key = rng.choice(places)
        action = rng.random()
        if action < 0.7:
            holder[key] = copy.deepcopy(rng.choice((*ODD_VALUES, encoded(noise(9, 9)))))
        elif action < 0.85:
            del holder[key]
        elif isinstance(holder, dict):
            name = rng.choice(("size", "strength", "content", "index", "", "prompt"))
            holder[name] = copy.deepcopy(rng.choice(ODD_VALUES))
        else:
            holder.extend(copy.deepcopy(holder * rng.choice((1, 30))))
        if not list(_places(table)):
            break
    text = json.dumps(table)
    if rng.random() < 0.1:
        text = text.replace("0.5", LONG_NUMBER)
    return Request(text.encode("utf-8", "surrogatepass"))


def _places(node: object) -> Iterator[tuple]:
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from _places(node[key])  # type: ignore[index]


def _odd_text(rng: random.Random, _: Iterator[bytes]) -> Request:
    body = bytearray(valid_request().body)
    deep = rng.choice((10, 1000, 100_000))
    return Request(
        rng.choice(
            (
                lambda: bytes(_flip(body, rng)),
                lambda: bytes(_truncate(body, rng)),
                lambda: bytes(_repeat(body, rng)),
                lambda: bytes(_delete(body, rng)),
                lambda: b"[" * deep,
                lambda: b"[" * deep + b"]" * deep,
                lambda: b'{"inputs":' * deep + b"1" + b"}" * deep,
                lambda: b'{"inputs": [' + b"[]," * deep + b"1]}",
                lambda: b'{"inputs": ' + b"9" * deep + b"}",
                lambda: b'{"inputs": {"content": ["' + b"A" * deep + b'"], "style": ["A"]}}',
                lambda: body.decode().encode("utf-16"),
                lambda: b'\xef\xbb\xbf{"inputs": 1}',
                lambda: b"",
                lambda: b" \n" * deep,
                lambda: b"\0" * deep,
                lambda: b'"' * deep,
                lambda: rng.randbytes(min(deep, 5000)),
                lambda: b'{"inputs": 1, "inputs": 2}',
                lambda: json.dumps(rng.choice(ODD_VALUES)).encode("utf-8", "surrogatepass"),
            )
        )()
    )


def _odd_form(rng: random.Random, broken: Iterator[bytes]) -> Request:
    row = {"content": encoded(noise(9, 9)), "style": base64.b64encode(next(broken)).decode()}
    key = rng.choice(
        ("dataframe_records", "inputs", "instances", "prompt", "messages", "input",
         "dataframe_split", "signature_name", "", "data")
    )  # fmt: skip
    value = rng.choice(
        (row, [row], [row] * 17, {k: [v] for k, v in row.items()}, list(row.values()), [[row]],
         {"columns": list(row), "data": [list(row.values())], "index": ["a"]}, row["content"],
         {"columns": ["content"] * 2, "data": [["a", "b"]]}, {"columns": 7, "data": {}})
    )  # fmt: skip
    csv = "content,style\n" + ",".join(row.values())
    variants = (
        csv,
        csv[:-9],
        csv.replace(",", '"'),
        "," * 3000,
        "a\n" * 3000,
        '"',
        "content,content",
    )
    if rng.random() < 0.3:
        return Request(rng.choice(variants).encode(), {"Content-Type": "text/csv"})
    return Request(json.dumps({key: value, "params": rng.choice(ODD_VALUES)}).encode())


def _odd_header(rng: random.Random, _: Iterator[bytes]) -> Request:
    json_type = {"Content-Type": "application/json"}
    headers = rng.choice(
        (
            {},
            {"Content-Type": ""},
            {"Content-Type": "text/plain"},
            {"Content-Type": "application/vnd.apache.parquet"},
            {"Content-Type": "application/json; charset=latin-1"},
            {"Content-Type": "application/json; x=y"},
            {"Content-Type": "APPLICATION/JSON ; charset=UTF-8"},
            {"Content-Type": "x" * 9000},
            json_type | {"Host": "evil.example"},
            json_type | {"Host": ""},
            json_type | {"Host": "[::1"},
            json_type | {"Host": "localhost:99999999"},
            json_type | {"Origin": "http://evil.example"},
            json_type | {"Origin": "null"},
            json_type | {"Content-Encoding": "gzip"},
            json_type | {"Expect": "100-continue"},
            json_type | {"X-Long": "x" * 30_000},
            json_type | {"Upgrade": "websocket", "Connection": "Upgrade"},
        )
    )
    method = rng.choice(("POST", "POST", "POST", "GET", "PUT", "DELETE", "OPTIONS", "PATCH"))
    path = rng.choice(("/invocations",) * 5 + ("/", "/ping", "/%00", "//", "/../etc", "/a" * 999))
    return Request(valid_request().body, headers, method, path)


def _odd_http(rng: random.Random, _: Iterator[bytes]) -> Request:
    body = valid_request().body
    head = b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    size = b"%x\r\n" % len(body)
    raw = rng.choice(
        (
            head + b"Content-Length: -1\r\n\r\n" + body,
            head + b"Content-Length: many\r\n\r\n" + body,
            head + b"Content-Length: 5\r\n\r\n" + body,
            head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n" + body,
            head + b"Content-Length: %d\r\n\r\n" % (len(body) + 9) + body,
            head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            chunked + size + body + b"\r\n0\r\n\r\n",
            chunked + size + body + b"\r\n",
            chunked + b"zz\r\n" + body,
            chunked + b"fffffffffffffffff\r\n" + body,
            head + b"\r\n",
            head.replace(b"Host: localhost\r\n", b"") + b"\r\n",
            head.replace(b"HTTP/1.1", b"HTTP/9.9") + b"\r\n",
            head.replace(b"\r\n", b"\n") + b"\n",
            head.replace(b"Host", b"Ho st") + b"\r\n",
            head.replace(b"POST", b"BREW") + b"Content-Length: 0\r\n\r\n",
            b"GET /" + b"a" * 70_000,
            b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + rng.randbytes(200),
            rng.randbytes(500) + b"\r\n\r\n",
            head + b"Content-Length: 0\r\n\r\n" + head + b"Content-Length: 0\r\n\r\n",
        )
    )
    return Request(raw=bytes(_flip(bytearray(raw), rng)) if rng.random() < 0.3 else raw)
