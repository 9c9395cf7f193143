"""Errors end a command with one line on stderr and an exit code."""

import errno
import sqlite3
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stylefuse.errors import UserError, printable, run_main, to_user_error
from stylefuse.registry.store import exit_code


def run_failing(error, capsys):
    """Exit code and stderr of a command that raises an error."""

    def main():
        raise error

    with pytest.raises(SystemExit) as exit_info:
        run_main(main)
    return exit_info.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "exit_code", "line"),
    [
        (UserError("no such model", 10), 10, "error: no such model\n"),
        (
            PermissionError(errno.EACCES, "denied", "data/x"),
            2,
            "error: data/x cannot be accessed (Permission denied); fix this and run the command "
            "again\n",
        ),
        (
            OSError(errno.ENOSPC, "full", "data/x"),
            75,
            "error: no space is left on the disk for data/x; free some space and run the same "
            "command again\n",
        ),
        (KeyboardInterrupt(), 130, "stopped\n"),
    ],
)
def test_an_error_is_one_line_and_an_exit_code(error, exit_code, line, capsys):
    assert run_failing(error, capsys) == (exit_code, line)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FileNotFoundError(errno.ENOENT, "gone", "x"), "file-not-accessible"),
        (OSError(errno.EDQUOT, "quota", "x"), "disk-full"),
        (Exception("(sqlite3.OperationalError) database or disk is full"), "disk-full"),
    ],
)
def test_errors_of_the_system_have_a_code(error, code):
    assert to_user_error(error).code == code


def test_a_long_path_is_shortened():
    error = PermissionError(errno.EACCES, "denied", "x" * 5000)
    assert len(str(to_user_error(error))) < 400


@pytest.mark.parametrize(
    "error",
    [RuntimeError("a bug of ours"), OSError("odd"), ValueError("x"), OSError(errno.EIO, "")],
)
def test_programming_errors_keep_their_traceback(error):
    assert to_user_error(error) is None

    def main():
        raise error

    with pytest.raises(type(error)):
        run_main(main)


def test_a_full_disk_below_the_registry_may_be_tried_again():
    assert exit_code(OSError(errno.ENOSPC, "full", "x")) == 75
    assert exit_code(Exception("(sqlite3.OperationalError) database or disk is full")) == 75
    assert exit_code(Exception("odd")) == 2


def write_array(folder: Path, values: np.ndarray) -> None:
    with (folder / "all.npy").open("wb") as file:
        np.save(file, values)


def write_weights(folder: Path, values: np.ndarray) -> None:
    with h5py.File(folder / "all.h5", "w") as file:
        file["x"] = values


def write_database(folder: Path, values: np.ndarray) -> None:
    database = sqlite3.connect(folder / "all.db")
    try:
        database.execute("CREATE TABLE x (y BLOB)")
        database.execute("INSERT INTO x VALUES (?)", [values.tobytes()])
        database.commit()
    finally:
        database.close()


WRITERS = {
    "array": write_array,
    "arrays": lambda folder, values: np.savez(folder / "all.npz", values),
    "weights": write_weights,
    "table": lambda folder, values: pd.DataFrame({"x": values}).to_parquet(folder / "all.parquet"),
    "picture": lambda folder, values: Image.fromarray(values.reshape(2048, -1)).save(
        folder / "all.png"
    ),
    "database": write_database,
    "bytes": lambda folder, values: (folder / "all").write_bytes(values),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_a_full_disk_is_reported_whatever_library_writes(small_disk, writer, capsys):
    values = np.random.default_rng(0).integers(0, 256, 1 << 22, np.uint8)
    with pytest.raises(SystemExit) as exit_info:
        run_main(lambda: WRITERS[writer](small_disk, values))
    assert exit_info.value.code == 75
    stderr = capsys.readouterr().err
    assert stderr.startswith("error: no space is left on the disk")
    assert stderr.count("\n") == 1


def test_control_characters_are_escaped():
    text = "a\x1b[31m\x9b\u202e\udcff\r b\n\tnaïve 画"
    assert printable(text) == r"a\x1b[31m\x9b\u202e\udcff\r b" + "\n\tnaïve 画"


def test_another_broken_pipe_than_stdout_keeps_its_traceback():
    def fail_to_send():
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        run_main(fail_to_send)
