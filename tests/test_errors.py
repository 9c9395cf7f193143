"""What a person is told when the system refuses a file."""

import errno
import subprocess
import sys

import pytest

from stylefuse.errors import UserError, file_fault, run_main

FILL = """
import sys
import numpy as np
from stylefuse.errors import run_main
def main():
    if sys.argv[1] == "numpy":
        np.savez("all.npz", np.zeros(1 << 20))
    elif sys.argv[1] == "hdf5":
        import h5py
        with h5py.File("all.h5", "w") as file:
            file["x"] = np.zeros(1 << 20)
    else:
        open("all", "wb").write(bytes(1 << 23))
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
    assert (code, line.startswith("error: there is no room left for data/x; free some")) == (
        75,
        True,
    )


@pytest.mark.parametrize(
    "error", [RuntimeError("a fault of ours"), OSError("odd"), ValueError("x")]
)
def test_a_fault_of_ours_is_no_refusal(error):
    assert file_fault(error) is None


@pytest.fixture
def small_disk(tmp_path):
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(tmp_path)], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("only who may mount can make a small disk")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


@pytest.mark.parametrize("writer", ["numpy", "hdf5", "python"])
def test_a_full_disk_is_told_whoever_meets_it(small_disk, writer):
    command = [sys.executable, "-c", FILL, writer]
    done = subprocess.run(command, cwd=small_disk, capture_output=True, text=True)
    assert done.returncode == 75, done.stderr
    assert done.stderr.startswith("error: there is no room left for ")
    assert done.stderr.count("\n") == 1
