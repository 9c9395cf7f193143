"""A trained model on disk: configuration, ONNX graphs, and a manifest with their checksums."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from stylefuse.errors import UserError
from stylefuse.fileio import read_document, regular_file, sha256
from stylefuse.inference.onnx_session import OnnxGraph

CONFIG, MANIFEST = "config.json", "manifest.json"
WEIGHTS = "generator.weights.h5"  # for training; painting does not need it
MODEL_NAME = re.compile(r"[a-z][a-z0-9_]*")


class ModelFolder:
    """A trained model whose files were compared with its manifest.

    Args:
        path: folder that `stylefuse.models.saving.save_generator` wrote.

    Attributes:
        path: the folder.
        name: of the model.
        weights: SHA-256 of the weights that the graphs were exported from.

    Raises:
        UserError: see `check_files` and `read_config`; or the configuration names no model.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self._checksums = check_files(self.path)
        self.weights = self._checksums[WEIGHTS]
        self.name = str(read_config(self.path).get("model"))
        if not MODEL_NAME.fullmatch(self.name):
            raise incompatible(self.path)
        self._opened: dict[str, OnnxGraph] = {}
        self._opening = threading.Lock()

    def graph(self, name: str) -> OnnxGraph:
        """The graph NAME.onnx, which is opened once; safe to use from several threads.

        Raises:
            UserError: there is no such graph, or the file was changed.
        """
        file = f"{name}.onnx"
        if file not in self._checksums:
            raise UserError(
                f"{self.path} has no ONNX graph {file}; "
                f"run `python -m stylefuse.models {self.path}`",
                code="model-not-exported",
            )
        with self._opening:
            if name not in self._opened:
                self._opened[name] = OnnxGraph(self.path / file, self._checksums[file])
            return self._opened[name]


def check_files(folder: Path) -> dict[str, str]:
    """Compare the files of a trained model with its manifest.

    Returns:
        The SHA-256 of each file in the manifest, by name. Only the weights may be absent.

    Raises:
        UserError: a file is missing or unreadable, or was changed since it was saved; or the
            manifest names something else than regular files in the folder, which is not opened.
    """
    with _reading(folder):
        document = read_document(folder, MANIFEST, json.loads)
        manifest = {name: str(checksum) for name, checksum in document.items()}
        absent = set() if (folder / WEIGHTS).exists() else {WEIGHTS}
        checksums = {
            name: sha256(regular_file(folder, name)) for name in sorted(manifest.keys() - absent)
        }
    for name in checksums:
        if manifest[name] != checksums[name]:
            raise UserError(
                f"{folder / name} is not the file that was saved; train again",
                code="model-changed",
            )
    if not {CONFIG, WEIGHTS} <= manifest.keys():
        raise incompatible(folder)
    return manifest


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration of a trained model.

    Raises:
        UserError: it cannot be read.
    """
    with _reading(folder):
        return read_document(folder, CONFIG, json.loads)


@contextmanager
def _reading(folder: Path) -> Iterator[None]:
    """Files of a folder are read; what fails becomes one message."""
    try:
        yield
    except FileNotFoundError as error:
        raise UserError(
            f"no model: {error.filename} is missing; run `make repro`", code="model-missing"
        ) from None
    except (OSError, ValueError) as error:
        raise UserError(
            f"{folder} cannot be read ({error}); run `make repro`", code="model-unreadable"
        ) from None


def weights_hash(folder: Path) -> str:
    """The SHA-256 of a trained model's weights.

    Raises:
        UserError: see `check_files`.
    """
    return check_files(folder)[WEIGHTS]


def incompatible(folder: Path) -> UserError:
    """The error for a model of another version."""
    return UserError(
        f"{folder} holds a model of another version of stylefuse; train again",
        code="model-incompatible",
    )
