"""A password is made once, and only its owner can read it."""

import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from stylefuse.errors import UserError
from stylefuse.password import read_or_create_password


def test_a_password_is_made_once(tmp_path):
    path = tmp_path / "new" / "password"
    first = read_or_create_password(path)
    assert len(first) >= 32
    assert read_or_create_password(path) == first
    assert read_or_create_password(tmp_path / "other") != first


def test_only_its_owner_can_read_it(tmp_path):
    path = tmp_path / "password"
    read_or_create_password(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    read_or_create_password(path)
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_file_is_replaced(tmp_path, text):
    path = tmp_path / "password"
    path.write_text(text)
    password = read_or_create_password(path)
    assert len(password) >= 32
    assert read_or_create_password(path) == password
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_full_disk_leaves_no_password(small_disk):
    path = small_disk / "password"
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "ballast").write_bytes(bytes(1 << 22))
    with pytest.raises(UserError) as error:
        read_or_create_password(path)
    assert error.value.code == "disk-full"
    (small_disk / "ballast").unlink()
    assert len(read_or_create_password(path)) >= 32


PROGRAM = """
import sys
from pathlib import Path
from stylefuse.password import read_or_create_password
print(read_or_create_password(Path(sys.argv[1])))
"""


def test_a_failed_write_leaves_no_password(tmp_path):
    path = tmp_path / "password"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, path],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "UserError: no space is left" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == [".password.lock"]
    assert len(read_or_create_password(path)) >= 32


@pytest.mark.parametrize("exists", [False, True])
def test_first_starts_at_once_agree(tmp_path, exists):
    path = tmp_path / "password"
    if exists:
        path.touch()
    with ThreadPoolExecutor(4) as pool:
        runs = pool.map(
            lambda _: subprocess.check_output([sys.executable, "-c", PROGRAM, path]), range(8)
        )
    assert len({*runs, path.read_bytes()}) == 1
