"""Projects as small as they get: the shipped parameters and random generators."""

import base64
import io
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import Image

from tests.unit.test_config import SHIPPED

SHAPES = {
    "transfer": {"width": 4, "blocks": 1, "code": 8},
    "restore": {"width": 4, "blocks": 1, "code": 8},
    "portrait": {"architecture": "regular", "latent": 8, "width": 4},
}


def make_project(folder: Path, *models: str) -> Path:
    """Write `params.yaml` and `models/NAME` of some models into a folder that no git knows."""
    shipped = SHIPPED.read_text()
    (folder / "params.yaml").write_text(shipped.replace("allow_dirty: false", "allow_dirty: true"))
    for name in models:
        make_model(folder / "models" / name, name)
    return folder


def make_model(folder: Path, name: str = "transfer", **shape) -> Path:
    """Save a random generator; its shape is given where `SHAPES` has none.

    All weights are moved away from their start, where some layers do nothing yet.
    """
    import keras

    from stylefuse.models.saving import save_generator
    from stylefuse.models.task import find_task

    keras.utils.set_random_seed(3)
    task, shape = find_task(name), shape or SHAPES[name]
    generator, rng = task.build_generator(**shape), np.random.default_rng(3)
    moved = [w + 0.1 * rng.standard_normal(w.shape) for w in generator.get_weights()]
    generator.set_weights(moved)
    save_generator(task, SimpleNamespace(**shape), generator, folder)
    return folder


def noise(width: int, height: int, mode: str = "RGB", seed: int = 0) -> Image.Image:
    channels = len(mode)
    levels = np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)
    return Image.frombytes(mode, (width, height), levels.tobytes())


def encoded(picture: Image.Image, format: str = "PNG", **options) -> str:
    return base64.b64encode(file_bytes(picture, format, **options)).decode()


def file_bytes(picture: Image.Image, format: str = "PNG", **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()
