"""Containers of puzzles: a good one is assembled, a hostile one is refused with one line."""

import contextlib
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from stylefuse.data.sources import puzzles
from stylefuse.data.sources.apt import puzzle_pictures
from stylefuse.data.sources.copyrights import PackageCopyright
from stylefuse.data.sources.puzzles import COMPRESSED, DIRECTORY, read_container, read_puzzles
from stylefuse.errors import UserError
from tests.support.models import file_bytes, noise


class Container:
    """A Qt resource container, written entry by entry; the first one is its root."""

    def __init__(self):
        self.entries, self.names, self.bodies = [], b"", b""

    def folder(self, name, count, first):
        self.entries.append(struct.pack(">IHII", self._name(name), DIRECTORY, count, first))
        return self

    def file(self, name, body, flags=0, length=None):
        place = len(self.bodies)
        self.bodies += struct.pack(">I", len(body) if length is None else length) + body
        self.entries.append(struct.pack(">IHHHI", self._name(name), flags, 0, 0, place))
        return self

    def _name(self, name):
        place = len(self.names)
        self.names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
        return place

    def bytes(self):
        tree = 20
        bodies = tree + 14 * len(self.entries)
        names = bodies + len(self.bodies)
        head = b"qres" + struct.pack(">4I", 1, tree, bodies, names)
        return head + b"".join(self.entries) + self.bodies + self.names


def packed(data):
    return struct.pack(">I", len(data)) + zlib.compress(data)


BOARD = """
  title: qsTr("A. Painter, Noise - 1900")
  property var levels: [
    { "pixmapfile": "frame.svg", "type": "SHAPE_BACKGROUND_IMAGE", "width": "40", "height": "30" },
    { "pixmapfile": "image/a.webp", "x": "0.25", "y": "0.5" },
    { "pixmapfile": "image/b.webp", "x": "0.75", "y": "0.5" }
  ]
"""
PICTURE = noise(40, 30)


def puzzle(board=BOARD, piece=None):
    """The container of one puzzle of two pieces."""
    left, right = (
        file_bytes(PICTURE.crop(box), "WEBP", lossless=True)
        for box in ((0, 0, 20, 30), (20, 0, 40, 30))
    )
    return (
        Container().folder("", 1, 1).folder("set", 2, 2).folder("board", 1, 4)
        .folder("image", 2, 5).file("one.qml", packed(board.encode()), COMPRESSED)
        .file("a.webp", left if piece is None else piece).file("b.webp", right)
    )  # fmt: skip


def test_a_puzzle_is_assembled():
    (result,) = read_puzzles(puzzle().bytes())
    assert result[:3] == ("a", "A. Painter, Noise - 1900", "set/image")
    frame = puzzles.FRAME
    inside = PICTURE.crop((frame, frame, 40 - frame - 1, 30 - frame - 1))
    np.testing.assert_array_equal(np.asarray(result.picture), np.asarray(inside))


def test_a_board_without_pictures_is_skipped():
    assert list(read_puzzles(puzzle('property var levels: [{"a": "b"}]').bytes())) == []


def cycle():
    return Container().folder("", 1, 1).folder("a", 1, 0)


def fork():
    """Thirty folders, each of which twice holds the next: a billion paths."""
    container = Container()
    for i in range(30):
        container.folder("a", 2, i + 1)
    return container.file("b", b"").file("c", b"")


def stairs():
    container = Container()
    for i in range(2000):
        container.folder("a", 1, i + 1)
    return container.file("b", b"")


def bomb(length=None):
    data = packed(bytes(puzzles.MAX_TOTAL_BYTES + 9))
    return Container().folder("", 1, 1).file("a", (length or data[:4]) + data[4:], COMPRESSED)


HOSTILE = {
    "a cycle": (lambda: cycle().bytes(), "form a circle"),
    "a fork": (lambda: fork().bytes(), "form a circle"),
    "deep": (lambda: stairs().bytes(), "too deep"),
    "many children": (lambda: Container().folder("", 2**32 - 1, 1).bytes(), "damaged"),
    "cut short": (lambda: puzzle().bytes()[:200], "damaged"),
    "no container": (lambda: b"zres" + bytes(99), "not a Qt resource container"),
    "nothing": (lambda: b"qres", "damaged"),
    "no packed file": (
        lambda: Container().folder("", 1, 1).file("a", b"1234words", COMPRESSED).bytes(), "damaged"
    ),
    "a packed file cut short": (
        lambda: Container().folder("", 1, 1).file("a", packed(bytes(999))[:-5], COMPRESSED).bytes(),
        "cut short",
    ),
    "no levels": (lambda: puzzle("words").bytes(), "one.qml is damaged"),
    "a missing piece": (lambda: puzzle(BOARD.replace("a.webp", "z.webp")).bytes(), "one.qml"),
    "a broken piece": (lambda: puzzle(piece=b"RIFF1234WEBP").bytes(), "one.qml is damaged"),
    "a piece in another format": (lambda: puzzle(piece=b"P6\n1 1\n255\n123").bytes(), "one.qml"),
    "an endless frame": (lambda: puzzle(BOARD.replace('"40"', '"400000000"')).bytes(), "pixels"),
    "a frame of no number": (lambda: puzzle(BOARD.replace('"40"', '"nan"')).bytes(), "one.qml"),
    "a place that is none": (lambda: puzzle(BOARD.replace("0.25", "1e999")).bytes(), "one.qml"),
    "a long board": (lambda: puzzle(BOARD + "{" * 200_000).bytes(), "100,000 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_container_is_refused_with_one_line(name):
    make_bytes, reason = HOSTILE[name]
    with pytest.raises(UserError, match=reason) as error:
        list(puzzle_pictures("a.rcc", make_bytes(), PackageCopyright("")))
    assert "\n" not in str(error.value)
    assert error.value.code == "puzzles-unreadable"
    assert str(error.value).startswith("a.rcc is not a readable container of puzzles (")


@pytest.mark.parametrize("length", [None, b"\0\0\0\1"])  # the true one, a false one
def test_a_bomb_takes_no_more_than_the_limit(length, monkeypatch):
    monkeypatch.setattr(puzzles, "MAX_TOTAL_BYTES", 5_000_000)
    data = bomb(length).bytes()
    monkeypatch.setattr(puzzles, "MAX_TOTAL_BYTES", 1_000_000)
    tracemalloc.start()
    with pytest.raises(ValueError, match="more than 1,000,000 bytes"):
        read_container(data)
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()


def test_files_that_share_bytes_are_counted_each(monkeypatch):
    container = Container().folder("", 50, 1)
    for i in range(50):
        container.file(str(i), bytes(100))
    monkeypatch.setattr(puzzles, "MAX_TOTAL_BYTES", 4999)
    with pytest.raises(ValueError, match="more than 4,999 bytes"):
        read_container(container.bytes())


def test_a_picture_bomb_as_a_piece(monkeypatch):
    monkeypatch.setattr(puzzles, "MAX_PIXELS", 40 * 30 * 2 - 1)
    with pytest.raises(ValueError, match="pixels"):
        list(read_puzzles(puzzle().bytes()))
    large = puzzle(piece=file_bytes(noise(90, 90), "WEBP")).bytes()
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(ValueError, match="pixels"):
        list(read_puzzles(large))


def test_changed_bytes_raise_only_value_errors():
    original, rng = puzzle().bytes(), np.random.default_rng(0)
    for _ in range(400):
        data = bytearray(original)
        for place in rng.integers(0, len(data), 3):
            data[place] ^= 1 << int(rng.integers(8))
        with contextlib.suppress(ValueError):
            list(read_puzzles(bytes(data[: int(rng.integers(50, len(data) + 1))])))
