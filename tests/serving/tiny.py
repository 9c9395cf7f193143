"""A project as small as it gets: the shipped parameters and a random generator."""

import base64
import io
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

from tests.test_config import SHIPPED


def make_project(folder: Path) -> Path:
    """Write `params.yaml` and `models/transfer` into a folder."""
    shutil.copyfile(SHIPPED, folder / "params.yaml")
    make_model(folder / "models/transfer")
    return folder


def make_model(folder: Path) -> Path:
    import keras

    from stylefuse.models.stylizer import save_generator
    from stylefuse.models.transfer import build_generator

    keras.utils.set_random_seed(3)
    save_generator(build_generator(4, 1, 8), folder)
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
