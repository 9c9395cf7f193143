"""Import of Keras without the messages that TensorFlow writes to stderr."""

import importlib
import os

TENSORFLOW_LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
ERRORS_ONLY = "2"  # 0 shows everything, 1 hides information, 2 also warnings


def import_keras() -> None:
    """Import Keras with TensorFlow's log level set to errors.

    TensorFlow reads the level from the environment when it is imported, so this function must be
    called first. A level that is already in the environment is kept. What other threads write to
    stderr is not affected.
    """
    os.environ.setdefault(TENSORFLOW_LOG_LEVEL, ERRORS_ONLY)
    importlib.import_module("keras")
