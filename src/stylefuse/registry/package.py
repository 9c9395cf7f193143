"""The files of a registered model, and the schema of its requests."""

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
from stylefuse.inference.model_folder import CONFIG, MANIFEST
from stylefuse.inference.options import Names
from stylefuse.inference.predictor import Predictor

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

    from stylefuse.registry.reference_statistics import Reference

LOADER = "stylefuse.serving.pyfunc"  # that `MLmodel` names
LIMITS = "serving.json"
INPUTS = "inputs.json"  # statistics of the training pictures, to compare request pictures with
PIPELINE = "pipeline.yaml"  # a copy of dvc.lock: hashes of the training's code and data
OUTPUT, NOTICE = "picture", "notice"  # columns of an answer; the second only if there is one
FORMAT = "format"  # of the pictures in an answer
ERRORS = "errors"  # parameter: what a row that cannot be painted does
RAISE, RETURN = "raise", "return"  # refuse the request, or answer this row with a notice alone
INPUT_EXAMPLE = "serving_input_example.json"  # MLflow writes it beside a logged model
EXAMPLE_SIDE = 64  # pixels

COLUMN_TYPES = {Image.Image: "string", int: "long"}  # pictures are sent as Base64
PARAMETER_TYPES = {float: "double", bool: "boolean", int: "long", str: "string"}
LIST_PARAMETER_TYPES = {Names: "string", tuple: "double"}
PACKAGES = (  # that painting needs, and MLflow does not bring along
    "onnxruntime", "numpy", "pillow", "cachetools", "filelock", "tqdm"
)  # fmt: skip


def write_package(model: Path, limits: Serve, statistics: "Reference", folder: Path) -> None:
    """Write the files of a registered model to a new folder.

    Args:
        model: folder of the trained model.
        limits: of the server.
        statistics: of the training pictures, see `reference_statistics`.
        folder: is created.
    """
    folder.mkdir(parents=True)
    for path in (model / CONFIG, model / MANIFEST, *model.glob("*.onnx")):
        shutil.copyfile(path, folder / path.name)
    (folder / LIMITS).write_text(limits.model_dump_json(indent=1) + "\n")
    (folder / INPUTS).write_text(json.dumps(statistics) + "\n")


def read_limits(folder: Path) -> Serve:
    """The server's limits that `write_package` wrote.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        return Serve.model_validate_json((folder / LIMITS).read_text())
    except (OSError, ValidationError):
        raise UserError(
            f"{folder / LIMITS} is missing or damaged; register the model again",
            code="package-damaged",
        ) from None


def read_inputs(folder: Path) -> "Reference":
    """The statistics that `write_package` wrote; empty for models of versions before them."""
    path = folder / INPUTS
    return dict(json.loads(path.read_text())) if path.exists() else {}


def requirements() -> list[str]:
    """The packages that serving a model needs, in the versions that are installed here."""
    return [f"{package}=={version(package)}" for package in PACKAGES]


def signature(predictor: type[Predictor]) -> "ModelSignature":
    """The schema of a model's requests: a column per input, the options as parameters, one picture
    as output."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema
    from mlflow.types.schema import AnyType

    repeatable = set(predictor.repeatable_inputs)
    columns = [
        ColSpec(AnyType(), name, required=False)
        if name in repeatable
        else ColSpec(COLUMN_TYPES[kind], name)
        for name, kind in predictor.inputs.items()
    ]
    optional_columns = [
        ColSpec(COLUMN_TYPES[kind], name, required=False)
        for name, kind in predictor.optional_inputs.items()
    ]
    parameters = [
        ParamSpec(name, LIST_PARAMETER_TYPES[type(value)], list(value), shape=(-1,))
        if isinstance(value, tuple)
        else ParamSpec(name, PARAMETER_TYPES[type(value)], value)
        for name, value in request_parameters(predictor).items()
    ]
    return ModelSignature(
        inputs=Schema([*columns, *optional_columns]),
        outputs=Schema([ColSpec("string", OUTPUT)]),
        params=ParamSchema(parameters),
    )


def request_parameters(predictor: type[Predictor] | Predictor) -> dict[str, Any]:
    """All parameters of a request, with their defaults."""
    return {**asdict(predictor.options()), FORMAT: "png", ERRORS: RAISE}


def example(
    predictor: type[Predictor], domains: Sequence[str], prepared: Path
) -> dict[str, list[Any]]:
    """A request to try a model with.

    Args:
        predictor: its picture inputs get held-out pictures, its numbers get 1.
        domains: of the model's training pictures, in the order of the picture inputs; an input
            without a domain, or without prepared pictures, gets a gradient.
        prepared: folder of the prepared arrays.

    Returns:
        The columns of a request with one row.
    """
    arrays = chain((prepared / f"validation_{domain}.npy" for domain in domains), repeat(None))
    return {
        name: [encode(_example_picture(next(arrays))) if kind is Image.Image else 1]
        for name, kind in predictor.inputs.items()
    }


def _example_picture(array: Path | None) -> Image.Image:
    tile = np.load(array, mmap_mode="r")[0] if array and array.exists() else _gradient()
    return Image.fromarray(tile).resize((EXAMPLE_SIDE, EXAMPLE_SIDE))


def _gradient() -> np.ndarray:
    """A uint8 picture `[64, 64, 3]`."""
    ramp = np.tile(np.arange(0, 256, 4).astype(np.uint8), (64, 1))
    return np.stack([ramp, ramp.T, 255 - ramp], axis=-1)
