"""A trained generator on disk, as data only: configuration, weights and the checksums of both."""

import hashlib
import json
from pathlib import Path
from typing import Any

from stylefuse.errors import UserError
from stylefuse.fileio import sha256
from stylefuse.inference.predictor import Predictor
from stylefuse.models.task import Task, find_task

CONFIG, WEIGHTS, MANIFEST = "config.json", "generator.weights.h5", "manifest.json"
TRAINING_PICTURES = "pictures.json"  # beside initial weights: names of their training pictures


def save_generator(task: Task, settings: Any, generator: Any, folder: Path) -> None:
    """Write what `load_generator` reads; the same weights make the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {"model": task.name, "shape": task.architecture_of(settings)}
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    generator.save_weights(folder / WEIGHTS)
    sums = {name: sha256(folder / name) for name in (CONFIG, WEIGHTS)}
    (folder / MANIFEST).write_text(json.dumps(sums, indent=1, sort_keys=True) + "\n")


def load_generator(folder: Path | str) -> tuple[Task, Any]:
    """The recipe and the Keras model that were saved.

    Raises:
        UserError: a file is missing or is not the one that was saved, or the model is none that
            this version knows.
    """
    folder = Path(folder)
    config = json.loads(verified(folder)[CONFIG])
    unknown = UserError(f"{folder} holds a model of another version of stylefuse; train again")
    try:
        task, shape = find_task(config["model"]), config["shape"]
    except (KeyError, ModuleNotFoundError):
        raise unknown from None
    generator = task.build_generator(**shape)
    try:
        generator.load_weights(folder / WEIGHTS)
    except ValueError:  # layers or shapes have changed
        raise unknown from None
    return task, generator


def load_initial_weights(generator: Any, folder: Path | str, task: Task) -> None:
    """Give a generator the weights of a saved one.

    Raises:
        UserError: see `load_generator`; or the saved one is another model, or of another shape.
    """
    found, saved = load_generator(folder)
    shapes = [[w.shape for w in network.weights] for network in (generator, saved)]
    if found.name != task.name or shapes[0] != shapes[1]:
        raise UserError(
            f"{folder} holds a {found.name} model that the settings of {task.name} do not fit; "
            f"change {', '.join(task.architecture)} or init_from in params.yaml"
        )
    for weight, value in zip(generator.weights, saved.weights, strict=True):
        weight.assign(value)


def training_pictures(folder: Path | str) -> set[str]:
    """Names of the pictures that weights to begin with were trained on; none where they are not
    told.

    Raises:
        UserError: the file that tells them is torn.
    """
    path = Path(folder) / TRAINING_PICTURES
    if not path.exists():
        return set()
    try:
        return set(json.loads(path.read_text()))
    except (ValueError, TypeError):
        raise UserError(f"{path} cannot be read; get it again with `git checkout {path}`") from None


def load_predictor(folder: Path | str, max_side: int) -> tuple[Task, Predictor]:
    """The task and its generator, ready to paint; see `load_generator`."""
    task, generator = load_generator(folder)
    return task, task.make_predictor(generator, max_side)


def weights_hash(folder: Path) -> str:
    """The SHA-256 of a model's weights, once its files are seen to be those that were saved."""
    return hashlib.sha256(verified(folder)[WEIGHTS]).hexdigest()


def verified(folder: Path) -> dict[str, bytes]:
    """Name → content of a model's files.

    Raises:
        UserError: a file is missing or is not the one that was saved.
    """
    try:
        sums = json.loads((folder / MANIFEST).read_text())
        found = {name: (folder / name).read_bytes() for name in (CONFIG, WEIGHTS)}
    except FileNotFoundError as error:
        raise UserError(f"no model: {error.filename} is missing; run `make repro`") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{folder} cannot be read ({error}); run `make repro`") from None
    for name, content in found.items():
        if sums.get(name) != hashlib.sha256(content).hexdigest():
            raise UserError(f"{folder / name} is not the file that was saved; train again")
    return found
