"""What the doctor looks at of the machine: packages, room, programs, ports."""

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
from typing import Any, NamedTuple

from stylefuse.doctor.diagnose import Answer, Level
from stylefuse.errors import UserError

PROJECT_FILE = Path("pyproject.toml")
GB = 10**9
ROOM, LITTLE_ROOM = 2 * GB, GB // 5  # of a disk: `make repro` takes about 1 GB
MEMORY, LITTLE_MEMORY = 3 * GB, GB  # large pictures take up to the first
PATIENCE = 180  # seconds for a backend to be imported on a busy machine
PORTS = {5000: "stylefuse ui", 5001: "stylefuse serve", 7860: "stylefuse app"}
TRAINS = ("tensorflow", "jax")
PROBE = """
import json, keras
name = keras.backend.backend()
if name == "jax":
    import jax
    seen = [device.device_kind for device in jax.devices() if device.platform != "cpu"]
elif name == "tensorflow":
    import tensorflow
    seen = [device.name for device in tensorflow.config.list_physical_devices("GPU")]
else:
    seen = []
print(json.dumps([name, seen]))
"""


def python() -> Answer:
    """Whether this Python is one that the project runs on."""
    from packaging.specifiers import SpecifierSet

    wanted, found = _project()["requires-python"], platform.python_version()
    if SpecifierSet(wanted).contains(found, prereleases=True):
        return Answer(Level.OK, found)
    return Answer(Level.WRONG, f"{found} is not {wanted}", "make .venv with such a one: `make env`")


def packages() -> Answer:
    """Whether the installed packages are those that the project names."""
    from packaging.requirements import Requirement

    named = [Requirement(text) for text in _project()["dependencies"]]
    odd = [told for one in named if (told := _odd(one.name, one.specifier))]
    if odd:
        return Answer(Level.WRONG, ", ".join(odd), "run `make env`")
    return Answer(Level.OK, f"{len(named)}, as {PROJECT_FILE} names them")


def _odd(name: str, wanted: Any) -> str | None:
    """How an installed package differs from what is wanted."""
    try:
        found = version(name)
    except PackageNotFoundError:
        return f"{name} is missing"
    return None if wanted.contains(found, prereleases=True) else f"{name} {found} is not {wanted}"


def _project() -> dict[str, Any]:
    try:
        return dict(tomllib.loads(PROJECT_FILE.read_text())["project"])
    except FileNotFoundError:
        raise UserError(
            f"there is no {PROJECT_FILE} here; run the command in the project's folder"
        ) from None


def disk() -> Answer:
    """Whether there is room for data, models and registry."""
    free = shutil.disk_usage(Path.cwd()).free
    return _enough(free, ROOM, LITTLE_ROOM, "free some: `make repro` takes about 1 GB")


def memory() -> Answer:
    """Whether there is memory for large pictures."""
    import psutil

    free = psutil.virtual_memory().available
    return _enough(free, MEMORY, LITTLE_MEMORY, "end other programs, or lower serve.max_side")


def _enough(free: int, enough: int, little: int, remedy: str) -> Answer:
    found = f"{free / GB:.1f} GB free"
    if free >= enough:
        return Answer(Level.OK, found)
    return Answer(Level.WRONG if free < little else Level.WARNING, found, remedy)


class Backend(NamedTuple):
    """What Keras computes with: its name, and the accelerators that it sees."""

    name: str
    devices: list[str]


@cache
def probe() -> Backend:
    """Import the backend, in a process of its own: where a processor lacks what it was compiled
    for, that is the end of the process.

    Raises:
        UserError: it cannot be imported.
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", PROBE], capture_output=True, text=True, env=environment,
        timeout=PATIENCE,
    )  # fmt: skip
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1][:200]
        raise UserError(f"Keras cannot be imported ({said}); run `make env`, see KERAS_BACKEND")
    return Backend(*json.loads(done.stdout.splitlines()[-1]))


def backend() -> Answer:
    """Whether Keras can be imported, on a backend that can train."""
    name = probe().name
    if name in TRAINS:
        return Answer(Level.OK, name)
    return Answer(
        Level.WRONG, f"{name} cannot train here", f"set KERAS_BACKEND to {' or '.join(TRAINS)}"
    )


def gpu() -> Answer:
    """Which accelerators the backend sees; nothing needs one."""
    if devices := probe().devices:
        return Answer(Level.OK, ", ".join(devices))
    if shutil.which("nvidia-smi"):
        remedy = 'install "jax[cuda12]", as README.md says, and set KERAS_BACKEND=jax'
        return Answer(Level.OK, "the backend sees none, though there seems to be one", remedy)
    return Answer(Level.OK, "none: the processor computes")


def ffmpeg() -> Answer:
    """Whether films can be taken apart and put together; nothing else needs that."""
    if path := shutil.which("ffmpeg"):
        return Answer(Level.OK, path)
    return Answer(Level.WARNING, "not here, where only films need it", "`apt install ffmpeg`")


def port(number: int) -> Answer:
    """Whether a server could listen on a port."""
    from stylefuse.ports import LOOPBACK, refuse_busy

    try:
        refuse_busy(LOOPBACK, number)
    except UserError as error:  # it may be our own server that listens
        return Answer.of(error, Level.WARNING)
    return Answer(Level.OK, f"free for `{PORTS[number]}`")


CHECKS: dict[str, Callable[[], Answer]] = {
    "Python": python,
    "packages": packages,
    "disk": disk,
    "memory": memory,
    "backend": backend,
    "GPU": gpu,
    "ffmpeg": ffmpeg,
    **{f"port {number}": partial(port, number) for number in PORTS},
}
