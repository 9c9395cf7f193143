"""The served model as data: the files that go into a registry, and what they promise to clients."""

import shutil
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from pydantic import ValidationError

from stylefuse.config import Serve
from stylefuse.errors import UserError
from stylefuse.models.stylizer import CONFIG, MANIFEST, WEIGHTS
from stylefuse.serving.codec import encode
from stylefuse.serving.painter import PaintOptions

if TYPE_CHECKING:
    from mlflow.models import ModelSignature

LOADER = "stylefuse.serving.pyfunc"
LIMITS = "serving.json"
INPUTS, OUTPUT = ("content", "style"), "picture"
PACKAGES = ("stylefuse", "keras", "tensorflow-cpu", "numpy", "pandas", "pillow")
EXAMPLE_SIDE = 64  # pixels


def write_package(model: Path, limits: Serve, folder: Path) -> None:
    """Copy a trained model's files to a new folder and put the server's limits beside them."""
    folder.mkdir(parents=True)
    for name in (CONFIG, WEIGHTS, MANIFEST):
        shutil.copyfile(model / name, folder / name)
    (folder / LIMITS).write_text(limits.model_dump_json(indent=1) + "\n")


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


def requirements() -> list[str]:
    """What a server of the model needs, in the versions that are installed here."""
    return [f"{package}=={version(package)}" for package in PACKAGES]


def signature() -> "ModelSignature":
    """Two columns of base64 pictures → one, with the fields of `PaintOptions` as parameters."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    kinds = {float: "double", bool: "boolean", int: "long"}
    return ModelSignature(
        inputs=Schema([ColSpec("string", name) for name in INPUTS]),
        outputs=Schema([ColSpec("string", OUTPUT)]),
        params=ParamSchema(
            [
                ParamSpec(name, kinds[type(default)], default)
                for name, default in asdict(PaintOptions()).items()
            ]
        ),
    )


def example(prepared: Path) -> dict[str, list[Any]]:
    """A request to try the model with: a held-out photograph and painting, or gradients.

    Args:
        prepared: where `data.prepare` wrote its arrays.

    Returns:
        The columns of a request with one row.
    """
    pictures = []
    for turn, domain in enumerate(("photograph", "painting")):
        path = prepared / f"validation_{domain}.npy"
        tile = np.load(path, mmap_mode="r")[0] if path.exists() else np.rot90(_gradient(), turn)
        pictures.append(Image.fromarray(tile).resize((EXAMPLE_SIDE, EXAMPLE_SIDE)))
    return {name: [encode(picture)] for name, picture in zip(INPUTS, pictures, strict=True)}


def _gradient() -> np.ndarray:
    ramp = np.tile(np.arange(0, 256, 4).astype(np.uint8), (64, 1))
    return np.stack([ramp, ramp.T, 255 - ramp], axis=-1)
