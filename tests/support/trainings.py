"""Trainings as small as they get, over random tiles."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from stylefuse.config import Params, load_params
from tests.integration.registry.conftest import write_tiles
from tests.support.models import SHAPES
from tests.unit.test_config import SHIPPED

ROOT = Path(__file__).parents[2]
SIZES = {
    name: {"init_from": "", "crop": 64 if name == "portrait" else 32, "batch": 4}
    | {"discriminator_width": 4, **shape}
    for name, shape in SHAPES.items()
}


def make_project(folder: Path, **changes) -> Params:
    """Write tiles and `params.yaml` into a folder: all models at their smallest.

    Args:
        changes: settings that all models have, or that are the same by name.
    """
    write_tiles(folder / "data/prepared")
    raw = yaml.safe_load(SHIPPED.read_text())
    raw["models"] = {
        name: {"tiny": raw["models"][name]["cpu"] | size | changes} for name, size in SIZES.items()
    }
    raw |= {"profile": "tiny", "prepare": {"tiny": raw["prepare"]["cpu"]}}
    (folder / "params.yaml").write_text(yaml.safe_dump(raw))
    return load_params(folder / "params.yaml")


def changed(params: Params, model: str, **changes) -> Params:
    """The same parameters with other settings for one model."""
    settings = params.model_settings(model).model_copy(update=changes)
    return params.model_copy(update={"models": params.models | {model: {"tiny": settings}}})


def run_on_jax(program: str, *arguments, cwd: Path, devices: int = 1) -> None:
    """Run a Python program on so many devices, compiled quickly rather than well."""
    flags = f"--xla_backend_optimization_level=0 --xla_force_host_platform_device_count={devices}"
    subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)], check=True, cwd=cwd,
        env={**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": flags},
    )  # fmt: skip
