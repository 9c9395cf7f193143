"""Containers of puzzles: a good one is put together, a hostile one is refused in a sentence."""

import contextlib
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from stylefuse.data.sources import puzzles
from stylefuse.data.sources import source_pictures as sources
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
WHOLE = noise(40, 30)


def puzzle(board=BOARD, piece=None):
    """The container of one puzzle of two pieces."""
    left, right = (
        file_bytes(WHOLE.crop(box), "WEBP", lossless=True)
        for box in ((0, 0, 20, 30), (20, 0, 40, 30))
    )
    return (
        Container().folder("", 1, 1).folder("set", 2, 2).folder("board", 1, 4)
        .folder("image", 2, 5).file("one.qml", packed(board.encode()), COMPRESSED)
        .file("a.webp", left if piece is None else piece).file("b.webp", right)
    )  # fmt: skip


def test_a_puzzle_is_put_together():
    (found,) = read_puzzles(puzzle().bytes())
    assert found[:3] == ("a", "A. Painter, Noise - 1900", "set/image")
    frame = puzzles.FRAME
    inside = WHOLE.crop((frame, frame, 40 - frame - 1, 30 - frame - 1))
    np.testing.assert_array_equal(np.asarray(found.picture), np.asarray(inside))


def test_a_board_of_something_else_is_passed_over():
    assert list(read_puzzles(puzzle('property var levels: [{"a": "b"}]').bytes())) == []


def cycle():
    return Container().folder("", 1, 1).folder("a", 1, 0)


def fork():
    """Thirty folders, each of which twice holds the next: a billion paths."""
    made = Container()
    for i in range(30):
        made.folder("a", 2, i + 1)
    return made.file("b", b"").file("c", b"")


def stairs():
    made = Container()
    for i in range(2000):
        made.folder("a", 1, i + 1)
    return made.file("b", b"")


def bomb(says=None):
    data = packed(bytes(puzzles.MOST_IN_ALL + 9))
    return Container().folder("", 1, 1).file("a", (says or data[:4]) + data[4:], COMPRESSED)


HOSTILE = {
    "a cycle": (lambda: cycle().bytes(), "lead back"),
    "a fork": (lambda: fork().bytes(), "lead back"),
    "deep": (lambda: stairs().bytes(), "too deep"),
    "many children": (lambda: Container().folder("", 2**32 - 1, 1).bytes(), "damaged"),
    "cut short": (lambda: puzzle().bytes()[:200], "damaged"),
    "no container": (lambda: b"zres" + bytes(99), "no Qt resource container"),
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
def test_a_hostile_container_is_refused_in_a_sentence(name):
    made, complaint = HOSTILE[name]
    with pytest.raises(UserError, match=complaint) as error:
        list(sources._puzzles("a.rcc", made(), PackageCopyright("")))
    assert "\n" not in str(error.value)
    assert str(error.value).startswith("a.rcc is no container of puzzles that can be read (")


@pytest.mark.parametrize("says", [None, b"\0\0\0\1"])
def test_a_bomb_takes_no_more_than_is_allowed(says, monkeypatch):
    monkeypatch.setattr(puzzles, "MOST_IN_ALL", 5_000_000)
    data = bomb(says).bytes()
    monkeypatch.setattr(puzzles, "MOST_IN_ALL", 1_000_000)
    tracemalloc.start()
    with pytest.raises(ValueError, match="more than 1,000,000 bytes"):
        read_container(data)
    assert tracemalloc.get_traced_memory()[1] < 3_000_000
    tracemalloc.stop()


def test_files_that_share_bytes_are_counted_each(monkeypatch):
    made = Container().folder("", 50, 1)
    for i in range(50):
        made.file(str(i), bytes(100))
    monkeypatch.setattr(puzzles, "MOST_IN_ALL", 4999)
    with pytest.raises(ValueError, match="more than 4,999 bytes"):
        read_container(made.bytes())


def test_a_picture_bomb_as_a_piece(monkeypatch):
    monkeypatch.setattr(puzzles, "MAX_PIXELS", 40 * 30 * 2 - 1)
    with pytest.raises(ValueError, match="pixels"):
        list(read_puzzles(puzzle().bytes()))
    large = puzzle(piece=file_bytes(noise(90, 90), "WEBP")).bytes()
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("it was decoded"))
    with pytest.raises(ValueError, match="pixels"):
        list(read_puzzles(large))


def test_changed_bytes_raise_nothing_else():
    whole, stream = puzzle().bytes(), np.random.default_rng(0)
    for _ in range(400):
        data = bytearray(whole)
        for place in stream.integers(0, len(data), 3):
            data[place] ^= 1 << int(stream.integers(8))
        with contextlib.suppress(ValueError):
            list(read_puzzles(bytes(data[: int(stream.integers(50, len(data) + 1))])))
