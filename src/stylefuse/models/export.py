"""Export of a generator to the ONNX graphs that predictors run."""

import json
from pathlib import Path
from typing import Any

from stylefuse.fileio import sha256
from stylefuse.inference.model_folder import CONFIG, MANIFEST, WEIGHTS, ModelFolder
from stylefuse.models.task import Task

MAX_DIFFERENCE = 1  # level of 255: both round, and floats are summed in another order


def export(task: Task, generator: Any, folder: Path) -> None:
    """Write a generator's ONNX graphs and the manifest beside its configuration and weights.

    Args:
        task: the generator's.
        generator: a Keras model.
        folder: holds its configuration and weights.

    Raises:
        RuntimeError: a graph does not compute what the generator does.
    """
    for old in folder.glob("*.onnx"):
        old.unlink()
    for name, content in task.graphs(generator).items():
        (folder / f"{name}.onnx").write_bytes(content)
    files = [folder / CONFIG, folder / WEIGHTS, *folder.glob("*.onnx")]
    manifest = {path.name: sha256(path) for path in files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    difference = task.largest_difference(generator, ModelFolder(folder))
    if difference > MAX_DIFFERENCE:
        raise RuntimeError(f"the graphs in {folder} differ from Keras by {difference} levels")
