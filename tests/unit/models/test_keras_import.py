"""Importing Keras is silent, and leaves stderr to everybody else."""

import os
import subprocess
import sys

import pytest

from stylefuse.models.keras_import import TENSORFLOW_LOG_LEVEL, import_keras

IMPORT_BESIDE_A_WRITING_THREAD = """
import os, sys, threading, time
from stylefuse.models.keras_import import import_keras

reader, writer = os.pipe()
os.set_blocking(reader, False)
stderr = os.dup(2)
os.dup2(writer, 2)  # what anything in this process writes to file descriptor 2 arrives in the pipe
received, sent, stop = [], 0, threading.Event()

def write():
    global sent
    while not stop.wait(0.01):
        os.write(2, b"message\\n")
        sent += 1

def receive():
    try:
        received.extend(os.read(reader, 60_000).splitlines())
    except BlockingIOError:
        pass
    return len(received)

class ReceiveDuringImport:
    def find_spec(self, name, path=None, target=None):
        global received_during_import
        if name == "keras.src.backend":
            before, target = receive(), sent + 2
            while sent < target:
                time.sleep(0.01)
            received_during_import = receive() - before

sys.meta_path.insert(0, ReceiveDuringImport())
thread = threading.Thread(target=write)
thread.start()
import_keras()
stop.set()
thread.join()
receive()
os.dup2(stderr, 2)
assert "tensorflow" in sys.modules
assert received_during_import > 0
# on processors for which TensorFlow uses oneDNN, it says so at every level
received = [line for line in received if b"oneDNN" not in line and b"InitializeLog" not in line]
assert received == [b"message"] * sent, received
"""


def test_messages_of_other_threads_arrive_while_keras_is_imported():
    """They arrive at once and none is lost, and TensorFlow adds none of its own."""
    environment = {k: v for k, v in os.environ.items() if k != TENSORFLOW_LOG_LEVEL}
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_BESIDE_A_WRITING_THREAD],
        env=environment | {"KERAS_BACKEND": "tensorflow"}, capture_output=True, text=True,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(("before", "after"), [(None, "2"), ("0", "0")])
def test_a_log_level_of_the_user_is_kept(monkeypatch, before, after):
    monkeypatch.delenv(TENSORFLOW_LOG_LEVEL, raising=False)
    if before:
        monkeypatch.setenv(TENSORFLOW_LOG_LEVEL, before)
    import_keras()
    assert os.environ[TENSORFLOW_LOG_LEVEL] == after
