"""Atomic writes survive failures and other writers; locks hold between processes; hashes are
SHA-256."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stylefuse.errors import UserError
from stylefuse.fileio import (
    file_lock,
    flush_to_disk,
    is_inside,
    read_document,
    regular_file,
    sha256,
    sha256_of_tree,
    write_atomically,
    write_text_atomically,
)


def start(program: str, *arguments: object) -> subprocess.Popen:
    """A Python process with pipes for its input and output."""
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("durable", [False, True])
def test_a_file_is_written_and_replaced(tmp_path, durable):
    path = tmp_path / "new/folder/file.txt"
    write_text_atomically(path, "größer\n", durable)
    write_text_atomically(path, "second\n", durable)
    assert path.read_text() == "second\n"
    assert names(path.parent) == ["file.txt"]


def test_text_is_written_as_utf_8(tmp_path):
    write_text_atomically(tmp_path / "file", "größer")
    assert (tmp_path / "file").read_bytes() == "größer".encode()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, error):
    path = tmp_path / "file"
    path.write_text("old")

    def write(draft: Path) -> None:
        draft.write_text("ne")
        assert path.read_text() == "old"
        raise error

    with pytest.raises(error):
        write_atomically(path, write)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


KILLED_WRITER = """
import sys, time
from pathlib import Path
from stylefuse.fileio import write_atomically
def write(draft):
    draft.write_text("half of the new")
    print("half", flush=True)
    time.sleep(60)
write_atomically(Path(sys.argv[1]), write)
"""


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with start(KILLED_WRITER, path) as writer:
        assert writer.stdout.readline() == "half\n"
        writer.send_signal(signal.SIGKILL)
    assert path.read_text() == "old"
    write_text_atomically(path, "new")
    assert path.read_text() == "new"


def test_two_writers_at_once_do_not_mix(tmp_path):
    path = tmp_path / "file"

    def write_slowly(draft: Path) -> None:
        draft.write_text("first ")
        write_text_atomically(path, "second")
        assert path.read_text() == "second"
        with draft.open("a") as file:
            file.write("writer")

    write_atomically(path, write_slowly)
    assert path.read_text() == "first writer"


def test_every_reader_sees_a_whole_file(tmp_path):
    path = tmp_path / "file"
    texts = [letter * 200_000 for letter in "abcd"]
    write_text_atomically(path, texts[0])
    with ThreadPoolExecutor(4) as pool:
        writes = [pool.submit(write_text_atomically, path, text) for text in texts * 10]
        while not all(write.done() for write in writes):
            assert path.read_text() in texts
        for write in writes:
            write.result()


def test_a_file_name_of_maximum_length_can_be_written(tmp_path):
    path = tmp_path / ("ü" * 127)  # 254 of 255 bytes
    write_text_atomically(path, "x")
    assert path.read_text() == "x"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    path = tmp_path / "file/below.txt"
    with pytest.raises(UserError, match=r"file/below\.txt cannot be written: ") as error:
        write_text_atomically(path, "x")
    assert (error.value.code, error.value.exit_code) == ("file-not-writable", 2)


def test_a_full_disk_may_be_tried_again_and_keeps_the_old_file(small_disk):
    path = small_disk / "file"
    path.write_text("old")
    with pytest.raises(UserError) as error:
        write_atomically(path, lambda draft: draft.write_bytes(bytes(1 << 22)))
    assert (error.value.code, error.value.exit_code) == ("disk-full", 75)
    assert path.read_text() == "old"
    assert names(small_disk) == ["file"]


def test_flushing_reaches_every_file_below_a_folder(tmp_path, monkeypatch):
    (tmp_path / "a/b").mkdir(parents=True)
    for name in ("one", "a/two", "a/b/three"):
        (tmp_path / name).write_text(name)
    flushed = []
    monkeypatch.setattr(os, "fsync", lambda handle: flushed.append(os.fstat(handle).st_ino))
    flush_to_disk(tmp_path)
    everything = [tmp_path, *tmp_path.rglob("*")]
    assert sorted(flushed) == sorted(path.stat().st_ino for path in everything)
    flushed.clear()
    flush_to_disk(tmp_path, recursive=False)
    assert flushed == [tmp_path.stat().st_ino]


def test_a_hash_is_the_files_sha_256(tmp_path):
    data = bytes(range(256)) * 10_000
    (tmp_path / "file").write_bytes(data)
    assert sha256(tmp_path / "file") == hashlib.sha256(data).hexdigest()


@pytest.fixture
def foreign_folder(tmp_path):
    """A folder with what somebody may have put there, beside a file that is none of theirs."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret").write_text("{}")
    (folder / "file").write_text('{"a": 1}')
    (folder / "inner").symlink_to("file")
    (folder / "outer").symlink_to("../secret")
    (folder / "circle").symlink_to("circle")
    (folder / "device").symlink_to("/dev/zero")
    (folder / "below").mkdir()
    os.mkfifo(folder / "pipe")
    return folder


def test_a_regular_file_of_a_folder_is_found(foreign_folder):
    assert regular_file(foreign_folder, "file") == foreign_folder / "file"
    assert read_document(foreign_folder, "inner", json.loads) == {"a": 1}
    with pytest.raises(FileNotFoundError):
        regular_file(foreign_folder, "gone")


@pytest.mark.parametrize(
    "name",
    ["pipe", "device", "outer", "circle", "below", "/dev/zero", "../secret", "below/../file",
     "..", ".", "", "a\0b", "a\nb", "x" * 300],
)  # fmt: skip
def test_nothing_else_of_it_is_opened(foreign_folder, name):
    with pytest.raises((OSError, ValueError)):
        regular_file(foreign_folder, name)


def test_a_file_that_is_too_large_is_not_read(foreign_folder):
    os.truncate(foreign_folder / "file", 1 << 40)
    with pytest.raises(ValueError, match="1,099,511,627,776 bytes"):
        regular_file(foreign_folder, "file")


@pytest.mark.parametrize("text", ["", "{", "[1]", "1", "[" * 100_000, "9" * 5000, "\0", '"\xff"'])
def test_a_document_that_holds_no_mapping_is_refused(foreign_folder, text):
    (foreign_folder / "file").write_text(text, encoding="latin-1")
    with pytest.raises(ValueError, match=r"^(?!.*\n)"):
        read_document(foreign_folder, "file", json.loads)


def test_what_is_inside_of_a_folder(foreign_folder):
    inside = [".", "file", "inner", "below", "below/..", "gone"]
    outside = ["..", "outer", "/dev/zero", "../folder2", "circle", "a\0b"]
    assert all(is_inside(foreign_folder / name, foreign_folder) for name in inside)
    assert not any(is_inside(foreign_folder / name, foreign_folder) for name in outside)


@pytest.fixture
def tree(tmp_path):
    (tmp_path / "a").mkdir()
    files = [tmp_path / "a/one", tmp_path / "two"]
    for path in files:
        path.write_text(path.name)
    return tmp_path, files


def test_a_trees_hash_does_not_depend_on_order_or_place(tree, tmp_path_factory):
    root, files = tree
    copy = tmp_path_factory.mktemp("copy")
    copies = [copy / path.relative_to(root) for path in files]
    for path, other in zip(files, copies, strict=True):
        other.parent.mkdir(exist_ok=True)
        other.write_bytes(path.read_bytes())
    digest = sha256_of_tree(root, files)
    assert sha256_of_tree(root, files[::-1]) == digest
    assert sha256_of_tree(copy, copies) == digest


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "two").write_text("other"),
        lambda root: (root / "two").rename(root / "three"),
        lambda root: (root / "two").unlink(),
        lambda root: (root / "new").write_text(""),
    ],
    ids=["content", "name", "removed", "added"],
)
def test_a_trees_hash_shows_every_change(tree, change):
    root, files = tree
    before = sha256_of_tree(root, files)
    change(root)
    assert sha256_of_tree(root, [path for path in root.rglob("*") if path.is_file()]) != before


HOLDER = """
import sys
from pathlib import Path
from stylefuse.fileio import file_lock
with file_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
print("released", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path):
    """A lock's path and another process that holds it."""
    path = tmp_path / "locks/lock"
    with start(HOLDER, path) as process:
        assert process.stdout.readline() == "held\n"
        yield path, process
        process.kill()


@pytest.mark.parametrize("timeout_s", [0, 0.2])
def test_a_lock_of_another_process_is_respected(holder, timeout_s):
    path, _ = holder
    with pytest.raises(TimeoutError), file_lock(path, timeout_s):
        pytest.fail("two processes hold the lock")


def test_a_waiting_process_gets_the_lock_when_it_is_released(holder):
    path, process = holder

    def release() -> None:
        process.stdin.write("\n")
        process.stdin.flush()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(release)
        with file_lock(path, timeout_s=-1):
            assert process.stdout.readline() == "released\n"


def test_a_killed_process_holds_no_lock(holder):
    path, process = holder
    process.kill()
    process.wait()
    with file_lock(path):
        pass


def test_a_lock_excludes_threads_and_can_be_taken_again(tmp_path):
    path = tmp_path / "lock"

    def try_lock() -> bool:
        try:
            with file_lock(path):
                return True
        except TimeoutError:
            return False

    with ThreadPoolExecutor(1) as pool:
        with file_lock(path):
            assert not pool.submit(try_lock).result()
            assert not try_lock()
        assert pool.submit(try_lock).result()


def test_an_error_in_the_block_releases_the_lock(tmp_path):
    with pytest.raises(ValueError, match="inside"), file_lock(tmp_path / "lock"):
        raise ValueError("inside")
    with file_lock(tmp_path / "lock"):
        pass
