"""Checks of the machine: Python, packages, disk, memory, Keras backend, programs, ports."""

import json
import os
import platform
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from stylefuse.doctor.check import CheckResult, Level
from stylefuse.errors import UserError
from stylefuse.ports import LOOPBACK, require_free_port

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

PROJECT_FILE = Path("pyproject.toml")
GB = 10**9
LOW_DISK_BYTES, MIN_DISK_BYTES = 2 * GB, GB // 5  # `make repro` takes about 1 GB
LOW_MEMORY_BYTES, MIN_MEMORY_BYTES = 3 * GB, GB  # large pictures take up to the first
BACKEND_TIMEOUT_S = 180  # to import a backend on a busy machine
PORTS = {5000: "stylefuse ui", 5001: "stylefuse serve", 7860: "stylefuse app"}
EXTRAS, OPTIONAL = ("serve", "pipeline", "train"), "optional-dependencies"  # in pyproject.toml
TRAINING_BACKENDS = ("tensorflow", "jax")
BACKEND_SCRIPT = """
import json, keras
name = keras.backend.backend()
if name == "jax":
    import jax
    devices = [device.device_kind for device in jax.devices() if device.platform != "cpu"]
elif name == "tensorflow":
    import tensorflow
    devices = [device.name for device in tensorflow.config.list_physical_devices("GPU")]
else:
    devices = []
print(json.dumps([name, devices]))
"""


def python() -> CheckResult:
    """Is this Python one that the project supports?"""
    from packaging.specifiers import SpecifierSet

    required, installed = _project()["requires-python"], platform.python_version()
    if SpecifierSet(required).contains(installed, prereleases=True):
        return CheckResult(Level.OK, installed)
    hint = "install such a Python, and run `make env`"
    return CheckResult(Level.ERROR, f"{installed} is not {required}", hint)


def packages() -> CheckResult:
    """Are the installed packages those that the project requires?"""
    from packaging.requirements import Requirement

    project = _project()
    texts = [*project["dependencies"], *(t for e in EXTRAS for t in project[OPTIONAL][e])]
    required = [r for r in map(Requirement, texts) if r.name != project["name"]]
    problems = [text for r in required if (text := _mismatch(r.name, r.specifier))]
    if problems:
        return CheckResult(Level.ERROR, ", ".join(problems), "run `make env`")
    return CheckResult(Level.OK, f"{len(required)}, as {PROJECT_FILE} requires")


def _mismatch(name: str, required: "SpecifierSet") -> str | None:
    try:
        installed = version(name)
    except PackageNotFoundError:
        return f"{name} is missing"
    if required.contains(installed, prereleases=True):
        return None
    return f"{name} {installed} is not {required}"


def _project() -> dict[str, Any]:
    try:
        return dict(tomllib.loads(PROJECT_FILE.read_text())["project"])
    except FileNotFoundError:
        raise UserError(
            f"there is no {PROJECT_FILE} here; run the command in the project's folder",
            code="not-in-project",
        ) from None


def disk() -> CheckResult:
    """Is there space for data, models and registry?"""
    free = shutil.disk_usage(Path.cwd()).free
    hint = "free some space: `make repro` takes about 1 GB"
    return _enough(free, LOW_DISK_BYTES, MIN_DISK_BYTES, hint)


def memory() -> CheckResult:
    """Is there memory for large pictures?"""
    import psutil

    free = psutil.virtual_memory().available
    hint = "stop other programs, or lower serve.max_side"
    return _enough(free, LOW_MEMORY_BYTES, MIN_MEMORY_BYTES, hint)


def _enough(free: int, low: int, minimum: int, hint: str) -> CheckResult:
    message = f"{free / GB:.1f} GB free"
    if free >= low:
        return CheckResult(Level.OK, message)
    return CheckResult(Level.ERROR if free < minimum else Level.WARNING, message, hint)


class Backend(NamedTuple):
    """The Keras backend's name, and the accelerators that it sees."""

    name: str
    devices: list[str]


@cache
def import_backend() -> Backend:
    """Import the backend in a process of its own, which an unsupported processor may kill.

    Raises:
        UserError: it cannot be imported.
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.run(
        [sys.executable, "-c", BACKEND_SCRIPT], capture_output=True, text=True, env=environment,
        timeout=BACKEND_TIMEOUT_S,
    )  # fmt: skip
    if process.returncode:
        lines = process.stderr.strip().splitlines() or [f"exit code {process.returncode}"]
        raise UserError(
            f"Keras cannot be imported ({lines[-1][:200]}); run `make env`, and check "
            "KERAS_BACKEND",
            code="backend-unusable",
        )
    return Backend(*json.loads(process.stdout.splitlines()[-1]))


def backend() -> CheckResult:
    """Can Keras be imported, with a backend that can train?"""
    name = import_backend().name
    if name in TRAINING_BACKENDS:
        return CheckResult(Level.OK, name)
    hint = f"set KERAS_BACKEND to {' or '.join(TRAINING_BACKENDS)}"
    return CheckResult(Level.ERROR, f"{name} cannot train here", hint)


def gpu() -> CheckResult:
    """Which accelerators does the backend see? None is needed."""
    if devices := import_backend().devices:
        return CheckResult(Level.OK, ", ".join(devices))
    if shutil.which("nvidia-smi"):
        hint = 'to use it, install "jax[cuda12]" and set KERAS_BACKEND=jax (docs/guides/gpu.md)'
        return CheckResult(Level.OK, "there seems to be a GPU that the backend does not see", hint)
    return CheckResult(Level.OK, "none; training runs on the CPU")


def ffmpeg() -> CheckResult:
    """Is ffmpeg installed? Only videos need it."""
    if path := shutil.which("ffmpeg"):
        return CheckResult(Level.OK, path)
    return CheckResult(Level.WARNING, "not installed, and videos need it", "`apt install ffmpeg`")


def port(number: int) -> CheckResult:
    """Can a server listen on a port?"""
    try:
        require_free_port(LOOPBACK, number)
    except UserError as error:  # it may be the project's own server that listens
        return CheckResult.from_error(error, Level.WARNING)
    return CheckResult(Level.OK, f"free for `{PORTS[number]}`")


CHECKS: dict[str, Callable[[], CheckResult]] = {
    "Python": python,
    "packages": packages,
    "disk": disk,
    "memory": memory,
    "backend": backend,
    "GPU": gpu,
    "ffmpeg": ffmpeg,
    **{f"port {number}": partial(port, number) for number in PORTS},
}
