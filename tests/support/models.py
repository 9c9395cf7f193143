"""Small projects, models and pictures for tests."""

import base64
import io
import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import numpy as np
from PIL import Image

SHIPPED = Path(__file__).parents[2] / "params.yaml"
SHAPES = {  # the smallest architectures
    "transfer": {"width": 4, "blocks": 1, "code": 8},
    "restore": {"width": 4, "blocks": 1, "code": 8},
    "portrait": {"architecture": "regular", "latent": 8, "width": 4},
}


def make_project(folder: Path, *models: str) -> Path:
    """Write `params.yaml` and `models/NAME` into a folder outside of git."""
    shipped = SHIPPED.read_text()
    (folder / "params.yaml").write_text(shipped.replace("allow_dirty: false", "allow_dirty: true"))
    for name in models:
        make_model(folder / "models" / name, name)
    return folder


def make_model(folder: Path, name: str = "transfer", **shape) -> Path:
    """Write what `save_random_generator` saves; it is made once per process.

    Args:
        folder: where to save it.
        name: of the model.
        shape: its architecture, by default that in `SHAPES`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, content in _files_of_model(name, **shape or SHAPES[name]).items():
        (folder / file_name).write_bytes(content)
    return folder


@cache
def _files_of_model(name: str, **shape) -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        save_random_generator(Path(folder), name, **shape)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def save_random_generator(folder: Path, name: str, **shape) -> None:
    """Save a generator with random weights.

    All weights differ from their initial values, with which some layers do nothing.

    Args:
        folder: where to save it.
        name: of the model.
        shape: its architecture.
    """
    import keras

    from stylefuse.models.saving import save_generator
    from stylefuse.models.task import find_task

    keras.utils.set_random_seed(3)
    task = find_task(name)
    generator, rng = task.build_generator(**shape), np.random.default_rng(3)
    generator.set_weights([w + 0.1 * rng.standard_normal(w.shape) for w in generator.get_weights()])
    save_generator(task, SimpleNamespace(**shape), generator, folder)


def sign(folder: Path, **changes: str | None) -> None:
    """Write checksums of files that a test changed into the manifest; None removes an entry."""
    manifest = folder / "manifest.json"
    entries = json.loads(manifest.read_text()) | changes
    manifest.write_text(json.dumps({name: value for name, value in entries.items() if value}))


def noise(width: int, height: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """A picture of uniform noise."""
    channels = len(mode)
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    return Image.frombytes(mode, (width, height), levels.tobytes())


def encoded(picture: Image.Image, format: str = "PNG", **options) -> str:
    """A picture's file, base64."""
    return base64.b64encode(file_bytes(picture, format, **options)).decode()


def file_bytes(picture: Image.Image, format: str = "PNG", **options) -> bytes:
    """A picture's file; `options` are those of `Image.save`."""
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()
