"""The smallest possible trainings, on random tiles."""

import os
import subprocess
import sys
from pathlib import Path

import yaml

from stylefuse.config import Params, load_params
from tests.support.models import SHAPES
from tests.support.tiles import write_tiles
from tests.unit.test_config import SHIPPED

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache/tests"  # what several test runs can use
SIZES = {
    name: {"init_from": "", "crop": 64 if name == "portrait" else 32, "batch": 4}
    | {"discriminator_width": 4, **shape}
    for name, shape in SHAPES.items()
}


def make_project(folder: Path, **changes) -> Params:
    """Write tiles and `params.yaml` into a folder, with all models at their smallest.

    Args:
        folder: of the project.
        changes: settings that are set for all models.
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
    settings = params.model_settings(model)
    if unknown := set(changes) - set(type(settings).model_fields):
        raise TypeError(f"{model} has no settings {unknown}")
    models = params.models | {model: {"tiny": settings.model_copy(update=changes)}}
    return params.model_copy(update={"models": models})


def run_on_jax(program: str, *arguments, cwd: Path, devices: int = 1) -> None:
    """Run a Python program on JAX with so many CPU devices, compiled quickly rather than well.

    What was compiled once is taken from JAX's persistent compilation cache.
    """
    flags = (
        "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
        f" --xla_force_host_platform_device_count={devices}"
    )
    environment = {
        "KERAS_BACKEND": "jax",
        "XLA_FLAGS": flags,
        "JAX_COMPILATION_CACHE_DIR": str(CACHE / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        check=True,
        cwd=cwd,
        env=os.environ | environment,
    )
