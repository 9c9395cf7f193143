"""The smallest possible trainings, on random tiles."""

import os
import subprocess
import sys
from importlib import import_module
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


def add_sketch_model(folder: Path) -> None:
    """Add the model of `tests.support.sketch_model`, which is soon compiled, to a project."""
    path = folder / "params.yaml"
    raw = yaml.safe_load(path.read_text())
    settings = raw["models"]["restore"]["tiny"] | {"likeness": 1}
    for name in ("blocks", "code", "adversarial"):  # settings of the model restore alone
        del settings[name]
    raw["models"]["sketch"] = {"tiny": settings}
    path.write_text(yaml.safe_dump(raw))


def import_sketch_model() -> None:
    """Make that model known to this process, as if it were a package of `stylefuse.models`."""
    sys.modules["stylefuse.models.sketch"] = import_module("tests.support.sketch_model")


def changed(params: Params, model: str, **changes) -> Params:
    """The same parameters with other settings for one model."""
    settings = params.model_settings(model)
    if unknown := set(changes) - set(type(settings).model_fields):
        raise TypeError(f"{model} has no settings {unknown}")
    models = params.models | {model: {"tiny": settings.model_copy(update=changes)}}
    return params.model_copy(update={"models": models})


def jax_environment(devices: int = 1) -> dict[str, str]:
    """Environment variables of a process with so many CPU devices, whose programs are compiled
    quickly rather than well.

    What was compiled once is taken from JAX's persistent compilation cache.
    """
    flags = (
        "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false"
        f" --xla_force_host_platform_device_count={devices}"
    )
    return {
        "KERAS_BACKEND": "jax",
        "XLA_FLAGS": flags,
        "JAX_COMPILATION_CACHE_DIR": str(CACHE / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.1",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def run_on_jax(program: str, *arguments, cwd: Path, devices: int = 1) -> None:
    """Run a Python program on JAX, see `jax_environment`."""
    subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        check=True,
        cwd=cwd,
        env=os.environ | jax_environment(devices),
    )
