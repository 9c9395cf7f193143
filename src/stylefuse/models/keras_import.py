"""Keras, imported without what its backend says of itself."""

import importlib
import os
import sys
import tempfile


def import_keras() -> None:
    """Import Keras; what is written to stderr meanwhile is shown only where that fails.

    TensorFlow 2.21 greets with four lines, from below Python, that none of its settings holds back.
    """
    sys.stderr.flush()
    shown = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            importlib.import_module("keras")
        except BaseException:
            said.seek(0)
            os.write(shown, said.read())
            raise
        finally:
            os.dup2(shown, 2)
            os.close(shown)
