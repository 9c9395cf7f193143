"""The served model as data: the files that go into a registry, and what they promise to clients."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from pydantic import ValidationError

from stylefuse.config import Serve
from stylefuse.errors import UserError
from stylefuse.images.base64 import encode
from stylefuse.models.saving import CONFIG, MANIFEST, WEIGHTS
from stylefuse.models.task import Task
from stylefuse.registry.reference_statistics import Reference

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

LOADER = "stylefuse.serving.pyfunc"
LIMITS = "serving.json"
INPUTS = "inputs.json"  # figures of what the model was trained on, to compare requests with
PIPELINE = "pipeline.yaml"  # dvc.lock as it was: hashes of all that the model was made from
OUTPUT = "picture"
COLUMNS = {Image.Image: "string", int: "long"}  # pictures travel as base64
PARAMETERS = {float: "double", bool: "boolean", int: "long", str: "string"}
NUMBERS = "double"  # of a list
FORMAT = "format"  # of the pictures that come back
PACKAGES = ("stylefuse", "keras", "tensorflow-cpu", "numpy", "pandas", "pillow")
EXAMPLE_SIDE = 64  # pixels


def write_package(model: Path, limits: Serve, trained_on: Reference, folder: Path) -> None:
    """Copy a trained model's files to a new folder; put the server's limits beside them, and the
    figures of what it was trained on."""
    folder.mkdir(parents=True)
    for name in (CONFIG, WEIGHTS, MANIFEST):
        shutil.copyfile(model / name, folder / name)
    (folder / LIMITS).write_text(limits.model_dump_json(indent=1) + "\n")
    (folder / INPUTS).write_text(json.dumps(trained_on) + "\n")


def read_limits(folder: Path) -> Serve:
    """The limits that `write_package` put beside a model.

    Raises:
        UserError: the file is missing or is not ours.
    """
    try:
        return Serve.model_validate_json((folder / LIMITS).read_text())
    except (OSError, ValidationError):
        raise UserError(
            f"{folder / LIMITS} is missing or damaged; register the model again"
        ) from None


def read_inputs(folder: Path) -> Reference:
    """The figures that `write_package` put beside a model; none where an older one did not."""
    path = folder / INPUTS
    return dict(json.loads(path.read_text())) if path.exists() else {}


def requirements() -> list[str]:
    """What a server of a model needs, in the versions that are installed here."""
    return [f"{package}=={version(package)}" for package in PACKAGES]


def signature(task: Task) -> "ModelSignature":
    """A column for each of the recipe's inputs → one picture, with the dials as parameters."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType

    free = set(task.repeatable_inputs)
    columns = [
        ColSpec(AnyType() if name in free else COLUMNS[kind], name, required=name not in free)
        for name, kind in task.inputs.items()
    ]
    extras = [
        ColSpec(COLUMNS[kind], name, required=False) for name, kind in task.optional_inputs.items()
    ]
    parameters = [
        ParamSpec(name, NUMBERS, list(value), shape=(-1,))
        if isinstance(value, tuple)
        else ParamSpec(name, PARAMETERS[type(value)], value)
        for name, value in dials(task).items()
    ]
    return ModelSignature(
        inputs=Schema([*columns, *extras]),
        outputs=Schema([ColSpec("string", OUTPUT)]),
        params=ParamSchema(parameters),
    )


def dials(task: Task) -> dict[str, Any]:
    """All parameters of a request, with their defaults."""
    return {**asdict(task.options()), FORMAT: "png"}


def example(task: Task, domains: Sequence[str], prepared: Path) -> dict[str, list[Any]]:
    """A request to try a model with.

    Args:
        recipe: its picture inputs are given held-out pictures, its numbers are given 1.
        domains: what the model was trained on, in the order of the picture inputs; where there is
            none left, or no array of it, a gradient is the picture.
        prepared: where `data.prepare` wrote its arrays.

    Returns:
        The columns of a request with one row.
    """
    arrays = chain((prepared / f"validation_{domain}.npy" for domain in domains), repeat(None))
    return {
        name: [encode(_picture(next(arrays))) if kind is Image.Image else 1]
        for name, kind in task.inputs.items()
    }


def _picture(array: Path | None) -> Image.Image:
    tile = np.load(array, mmap_mode="r")[0] if array and array.exists() else _gradient()
    return Image.fromarray(tile).resize((EXAMPLE_SIDE, EXAMPLE_SIDE))


def _gradient() -> np.ndarray:
    ramp = np.tile(np.arange(0, 256, 4).astype(np.uint8), (64, 1))
    return np.stack([ramp, ramp.T, 255 - ramp], axis=-1)
