"""Saving and loading of trained generators: configuration, weights, and the checksums of both."""

import json
from pathlib import Path
from typing import Any

from stylefuse.errors import UserError
from stylefuse.fileio import sha256
from stylefuse.inference.predictor import Predictor
from stylefuse.models.task import Task, find_task

CONFIG, WEIGHTS, MANIFEST = "config.json", "generator.weights.h5", "manifest.json"
TRAINING_PICTURES = "pictures.json"  # with weights of `models/base`: names of training pictures


def save_generator(task: Task, settings: Any, generator: Any, folder: Path) -> None:
    """Write a generator's configuration, weights and manifest into a folder.

    The same weights give the same bytes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model": task.name, "shape": task.architecture_of(settings)}
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    generator.save_weights(folder / WEIGHTS)
    checksums = {name: sha256(folder / name) for name in (CONFIG, WEIGHTS)}
    (folder / MANIFEST).write_text(json.dumps(checksums, indent=1, sort_keys=True) + "\n")


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
    config = json.loads((folder / CONFIG).read_text())
    incompatible = UserError(
        f"{folder} holds a model of another version of stylefuse; train again",
        code="model-incompatible",
    )
    try:
        task, architecture = find_task(config["model"]), config["shape"]
    except (KeyError, ModuleNotFoundError):
        raise incompatible from None
    generator = task.build_generator(**architecture)
    try:
        generator.load_weights(folder / WEIGHTS)
    except ValueError:  # layers or their sizes have changed
        raise incompatible from None
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


def load_predictor(folder: Path | str, max_side: int) -> tuple[Task, Predictor]:
    """Load a generator, and make its predictor.

    Args:
        folder: what `save_generator` wrote.
        max_side: of painted pictures, pixels.

    Raises:
        UserError: see `load_generator`.
    """
    task, generator = load_generator(folder)
    return task, task.make_predictor(generator, max_side)


def weights_hash(folder: Path) -> str:
    """The SHA-256 of a saved generator's weights.

    Raises:
        UserError: see `check_files`.
    """
    return check_files(folder)[WEIGHTS]


def check_files(folder: Path) -> dict[str, str]:
    """Compare the files of a saved generator with its manifest.

    Returns:
        The SHA-256 of each file, by name.

    Raises:
        UserError: a file is missing or unreadable, or was changed since it was saved.
    """
    try:
        manifest = dict(json.loads((folder / MANIFEST).read_text()))
        checksums = {name: sha256(folder / name) for name in (CONFIG, WEIGHTS)}
    except FileNotFoundError as error:
        raise UserError(
            f"no model: {error.filename} is missing; run `make repro`", code="model-missing"
        ) from None
    except (OSError, ValueError, TypeError) as error:
        raise UserError(
            f"{folder} cannot be read ({error}); run `make repro`", code="model-unreadable"
        ) from None
    for name, checksum in checksums.items():
        if manifest.get(name) != checksum:
            raise UserError(
                f"{folder / name} is not the file that was saved; train again",
                code="model-changed",
            )
    return checksums
