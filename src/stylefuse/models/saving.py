"""Saving and loading of trained generators: configuration, weights, ONNX graphs, checksums."""

import json
from pathlib import Path
from typing import Any

from stylefuse.errors import UserError
from stylefuse.inference.model_folder import (
    CONFIG,
    WEIGHTS,
    check_files,
    incompatible,
    read_config,
)
from stylefuse.models.export import export
from stylefuse.models.task import Task, find_task

TRAINING_PICTURES = "pictures.json"  # with weights of `models/base`: names of training pictures


def save_generator(task: Task, settings: Any, generator: Any, folder: Path) -> None:
    """Write a generator's configuration, weights, ONNX graphs and manifest into a folder.

    The same weights give the same bytes.

    Raises:
        RuntimeError: see `stylefuse.models.export.export`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model": task.name, "shape": task.architecture_of(settings)}
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    generator.save_weights(folder / WEIGHTS)
    export(task, generator, folder)


def load_generator(folder: Path | str) -> tuple[Task, Any]:
    """Load what `save_generator` wrote.

    Returns:
        The task and the Keras model.

    Raises:
        UserError: a file is missing or was changed, or the model was saved by an incompatible
            version of stylefuse.
    """
    folder = Path(folder)
    check_files(folder)
    if not (folder / WEIGHTS).exists():
        raise UserError(
            f"{folder} holds graphs for painting, and no weights to train from; name a folder that "
            "training wrote",
            code="weights-missing",
        )
    config = read_config(folder)
    try:
        task, architecture = find_task(config["model"]), config["shape"]
    except (KeyError, ModuleNotFoundError):
        raise incompatible(folder) from None
    generator = task.build_generator(**architecture)
    try:
        generator.load_weights(folder / WEIGHTS)
    except ValueError:  # layers or their sizes have changed
        raise incompatible(folder) from None
    return task, generator


def load_initial_weights(generator: Any, folder: Path | str, task: Task) -> None:
    """Assign the weights of a saved generator to another one.

    Args:
        generator: of the same architecture as the saved one.
        folder: of the saved one.
        task: the generator's.

    Raises:
        UserError: see `load_generator`; or the saved generator is another model, or has another
            architecture.
    """
    saved_task, saved = load_generator(folder)
    sizes, saved_sizes = ([w.shape for w in model.weights] for model in (generator, saved))
    if saved_task.name != task.name or sizes != saved_sizes:
        raise UserError(
            f"{folder} holds a {saved_task.name} model that the settings of {task.name} do not fit;"
            f" change {', '.join(task.architecture)} or init_from in params.yaml",
            code="initial-weights-mismatch",
        )
    for weight, value in zip(generator.weights, saved.weights, strict=True):
        weight.assign(value)


def training_pictures(folder: Path | str) -> set[str]:
    """Names of the pictures that initial weights were trained on; empty if they are not recorded.

    Raises:
        UserError: the file with the names is damaged.
    """
    path = Path(folder) / TRAINING_PICTURES
    if not path.exists():
        return set()
    try:
        return set(json.loads(path.read_text()))
    except (ValueError, TypeError):
        raise UserError(
            f"{path} cannot be read; get it again with `git checkout {path}`",
            code="training-pictures-damaged",
        ) from None
