"""What a person is told when the system refuses a file."""

import errno
import subprocess
import sys

import pytest

from stylefuse.errors import UserError, file_fault, run_main
from stylefuse.registry.store import exit_code

FILL = """
import sys
from pathlib import Path
import numpy as np
from stylefuse.errors import run_main
folder, writer = Path(sys.argv[1]), sys.argv[2]
stream = np.random.default_rng(0).integers(0, 256, 1 << 22, np.uint8)
def main():
    if writer == "array":
        with (folder / "all.npy").open("wb") as file:
            np.save(file, stream)
    elif writer == "arrays":
        np.savez(folder / "all.npz", stream)
    elif writer == "weights":
        import h5py
        with h5py.File(folder / "all.h5", "w") as file:
            file["x"] = stream
    elif writer == "table":
        import pandas as pd
        pd.DataFrame({"x": stream}).to_parquet(folder / "all.parquet")
    elif writer == "picture":
        from PIL import Image
        Image.fromarray(stream.reshape(2048, -1)).save(folder / "all.png")
    elif writer == "database":
        import sqlite3
        database = sqlite3.connect(folder / "all.db")
        database.execute("CREATE TABLE x (y BLOB)")
        database.execute("INSERT INTO x VALUES (?)", [stream.tobytes()])
        database.commit()
    else:
        (folder / "all").write_bytes(stream)
run_main(main)
"""


def told(error, capsys):
    def main():
        raise error

    with pytest.raises(SystemExit) as ended:
        run_main(main)
    return ended.value.code, capsys.readouterr().err


def test_a_mistake_and_a_refused_file_are_one_line(capsys):
    assert told(UserError("no", 10), capsys) == (10, "error: no\n")
    code, line = told(PermissionError(errno.EACCES, "denied", "data/x"), capsys)
    assert (code, line.startswith("error: data/x cannot be used (Permission denied)")) == (2, True)
    code, line = told(OSError(errno.ENOSPC, "full", "data/x"), capsys)
    assert (code, line.startswith("error: there is no room left on the disk for data/x; free")) == (
        75,
        True,
    )


@pytest.mark.parametrize(
    "error", [RuntimeError("a fault of ours"), OSError("odd"), ValueError("x")]
)
def test_a_fault_of_ours_is_no_refusal(error):
    assert file_fault(error) is None


def test_a_registry_that_is_full_may_be_tried_again():
    assert exit_code(OSError(errno.ENOSPC, "full", "x")) == 75
    assert exit_code(Exception("(sqlite3.OperationalError) database or disk is full")) == 75
    assert exit_code(Exception("odd")) == 2


@pytest.fixture
def small_disk(tmp_path):
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only who may mount can make a small disk")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


WRITERS = ("array", "arrays", "weights", "table", "picture", "database", "bytes")


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_told_whoever_meets_it(small_disk, writer):
    """Which is not the one that the command runs on."""
    command = [sys.executable, "-c", FILL, str(small_disk), writer]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 75, done.stderr
    assert done.stderr.startswith("error: there is no room left on the disk")
    assert done.stderr.count("\n") == 1
