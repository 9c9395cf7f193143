"""The machine and the libraries that a training ran on, written when it ends."""

import json
import os
import platform
import re
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from stylefuse.fileio import write_text_atomically
from stylefuse.paths import TRAINING_ENVIRONMENTS

PACKAGES = ("stylefuse", "keras", "numpy", "pillow", "scipy", "h5py")
BACKEND_PACKAGES = {
    "tensorflow": ("tensorflow", "tensorflow-cpu"),
    "jax": ("jax", "jaxlib", "jax-cuda12-plugin"),
}


def write_environment(model: str, weights_hash: str) -> None:
    """Write `reports/environments/MODEL.json`.

    DVC keeps the file as an output of the train stage, so that it travels with the weights to the
    machine that registers them. `weights` tells which training it belongs to.

    Args:
        model: that was trained.
        weights_hash: SHA-256 of its weights.
    """
    facts = {"weights": weights_hash, **environment()}
    path = TRAINING_ENVIRONMENTS / f"{model}.json"
    write_text_atomically(path, json.dumps(facts, indent=1) + "\n", durable=True)


def read_environment(model: str, weights_hash: str) -> dict[str, Any] | None:
    """What `write_environment` wrote for these weights; None if it is missing or of others."""
    try:
        facts = json.loads((TRAINING_ENVIRONMENTS / f"{model}.json").read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(facts, dict) or facts.pop("weights", None) != weights_hash:
        return None
    return facts


def environment() -> dict[str, Any]:
    """What the bytes of trained weights depend on, beside code, settings and data.

    Returns:
        "backend": Keras's; "hardware": a dictionary of "processor", "cores", "memory_gib" and
        "devices", as the backend lists them; "versions": by package, and of Python.
    """
    import keras

    backend = keras.backend.backend()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "backend": backend,
        "hardware": {
            "processor": processor(),
            "cores": len(os.sched_getaffinity(0)),
            "memory_gib": round(memory / 2**30, 1),
            "devices": devices(),
        },
        "versions": {
            "python": platform.python_version(),
            **_versions(*PACKAGES, *BACKEND_PACKAGES.get(backend, ())),
        },
    }


def processor() -> str:
    """Name, family, model and stepping: processors of one name may round sums differently."""
    with suppress(OSError):
        first, _, _ = Path("/proc/cpuinfo").read_text().partition("\n\n")
        facts = dict(re.findall(r"^(.+?)\s*: (.*)$", first, flags=re.MULTILINE))
        if "model name" in facts:
            numbers = (facts.get(key, "?") for key in ("cpu family", "model", "stepping"))
            return f"{facts['model name'].strip()} {'-'.join(numbers)}"
    return platform.processor() or platform.machine()


def devices() -> list[str]:
    """The devices that the Keras backend computes on, GPUs by their product names."""
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return [f"{device.platform}:{device.id} {device.device_kind}" for device in jax.devices()]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        names = []
        for device in tf.config.list_physical_devices():
            details = tf.config.experimental.get_device_details(device)
            name = device.name.removeprefix("/physical_device:").lower()
            names.append(" ".join(filter(None, (name, details.get("device_name")))))
        return names
    return list(keras.distribution.list_devices())


def _versions(*packages: str) -> dict[str, str]:
    installed = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            installed[package] = version(package)
    return installed
