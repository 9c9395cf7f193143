"""Importing Keras is silent, and leaves stderr to everybody else."""

import os
import subprocess
import sys

import pytest

from stylefuse.models.keras_import import TENSORFLOW_LOG_LEVEL, import_keras

IMPORT_BESIDE_A_WRITING_THREAD = """
import os, sys, threading
from stylefuse.models.keras_import import import_keras

reader, writer = os.pipe()
stderr = os.dup(2)
os.dup2(writer, 2)  # what anything in this process writes to file descriptor 2 arrives in the pipe
stop = threading.Event()

def write():
    while not stop.wait(0.01):
        os.write(2, b"message\\n")

thread = threading.Thread(target=write)
thread.start()
assert os.read(reader, 100) == b"message\\n"
unread = 0

class CountOnImport:  # reads the pipe while Keras is being imported
    def find_spec(self, name, path=None, target=None):
        global unread
        if name == "keras.src.backend":
            unread = len(os.read(reader, 60_000))

sys.meta_path.insert(0, CountOnImport())
import_keras()
stop.set()
thread.join()
os.dup2(stderr, 2)
os.close(writer)
rest = b"".join(iter(lambda: os.read(reader, 60_000), b""))
assert "tensorflow" in sys.modules
print(unread, set(rest.splitlines()))
"""


def test_messages_of_other_threads_arrive_while_keras_is_imported():
    """They arrive at once, and TensorFlow adds none."""
    environment = {k: v for k, v in os.environ.items() if k != TENSORFLOW_LOG_LEVEL}
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_BESIDE_A_WRITING_THREAD],
        env=environment | {"KERAS_BACKEND": "tensorflow"}, capture_output=True, text=True,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
    unread, lines = result.stdout.split(" ", 1)
    assert int(unread) > 0
    assert lines == "{b'message'}\n"


@pytest.mark.parametrize(("before", "after"), [(None, "2"), ("0", "0")])
def test_a_log_level_of_the_user_is_kept(monkeypatch, before, after):
    monkeypatch.delenv(TENSORFLOW_LOG_LEVEL, raising=False)
    if before:
        monkeypatch.setenv(TENSORFLOW_LOG_LEVEL, before)
    import_keras()
    assert os.environ[TENSORFLOW_LOG_LEVEL] == after
