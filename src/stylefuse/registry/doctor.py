"""What is wrong with this machine, the store or the configuration, and what helps."""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal, NamedTuple

import psutil

from stylefuse.config import Params, load_params
from stylefuse.errors import UserError
from stylefuse.registry.fetch import champion_uri, has_champion
from stylefuse.registry.store import is_server, open_store, reason, tracking_uri
from stylefuse.registry.verify import verify

State = Literal["ok", "warning", "wrong"]

ROOM = 6  # GB that a whole run takes on disk
MEMORY = 4  # GB that the largest stage takes, and a little more
PORTS = {5000: "stylefuse ui", 5001: "stylefuse serve", 7860: "stylefuse app"}
GB = 1e9


class Finding(NamedTuple):
    """What a check found, and what helps where that is not well."""

    state: State
    check: str
    told: str
    remedy: str = ""


def examine() -> list[Finding]:
    """All findings; a check that fails itself is one."""
    found = [_found("parameters", _parameters)]
    try:
        params = load_params()
    except UserError:
        params = None
    machine = {
        "Python": _python, "packages": _packages, "backend": _backend, "disk": _disk,
        "memory": _memory, "git": _git, "ports": _ports, "ffmpeg": _ffmpeg,
    }  # fmt: skip
    found += [_found(name, check) for name, check in machine.items()]
    if params is None:
        return found
    project: dict[str, Callable[[Params], Finding]] = {
        "data": _data, "store": _store, "champions": _champions,
    }  # fmt: skip
    return [*found, *(_found(name, check, params) for name, check in project.items())]


def _found(name: str, check: Callable[..., Finding], *given: Params) -> Finding:
    try:
        return check(*given)
    except UserError as error:
        return Finding("wrong", name, str(error).replace("\n", "; "))
    except Exception as error:  # whatever it is, it belongs to what is told
        return Finding("wrong", name, reason(error), "see to that, and look again")


def _parameters() -> Finding:
    params = load_params()
    models = ", ".join(params.models)
    return Finding("ok", "parameters", f"params.yaml is whole; profile {params.profile}: {models}")


def _python() -> Finding:
    found = "{}.{}.{}".format(*sys.version_info[:3])
    if sys.version_info[:2] == (3, 11):
        return Finding("ok", "Python", found)
    return Finding("wrong", "Python", f"{found}, not 3.11", "run `make clean`, then `make env`")


def _packages() -> Finding:
    """Are those that are pinned installed in the versions that are asked for?"""
    pinned = [r.partition(";")[0].split("==") for r in requires("stylefuse") or ()
              if "==" in r and "extra ==" not in r]  # fmt: skip
    wrong = []
    for name, wanted in pinned:
        plain = name.partition("[")[0]
        try:
            if (found := version(plain)) != wanted.strip():
                wrong.append(f"{plain} is {found}, not {wanted.strip()}")
        except PackageNotFoundError:
            wrong.append(f"{plain} is missing")
    if wrong:
        return Finding("wrong", "packages", "; ".join(wrong), "run `make clean`, then `make env`")
    return Finding("ok", "packages", f"{len(pinned)} are as they are pinned")


def _backend() -> Finding:
    import keras

    name = keras.backend.backend()
    if name == "jax":
        import jax

        devices = ", ".join(map(str, jax.devices()))
    else:
        import tensorflow as tf

        devices = ", ".join(device.name for device in tf.config.list_logical_devices())
    if name in ("jax", "tensorflow"):
        return Finding("ok", "backend", f"{name}, on {devices}")
    return Finding("wrong", "backend", f"{name} cannot train here", "set KERAS_BACKEND to jax")


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / GB
    if free >= ROOM:
        return Finding("ok", "disk", f"{free:.0f} GB are free")
    return Finding(
        "warning",
        "disk",
        f"{free:.1f} GB are free, a whole run takes {ROOM}",
        "free some; `dvc gc --workspace` removes old data from the cache",
    )


def _memory() -> Finding:
    free = psutil.virtual_memory().available / GB
    if free >= MEMORY:
        return Finding("ok", "memory", f"{free:.0f} GB are free")
    return Finding(
        "warning",
        "memory",
        f"{free:.1f} GB are free, training takes {MEMORY}",
        "end other programs",
    )


def _git() -> Finding:
    """A version is registered only from a commit."""
    done = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True)
    if done.returncode:
        return Finding("wrong", "git", "this folder is no repository", "clone the project with git")
    if changed := done.stdout.splitlines():
        return Finding(
            "warning",
            "git",
            f"{len(changed)} files are not committed",
            "commit them before you register a model",
        )
    return Finding("ok", "git", "everything is committed")


def _ports() -> Finding:
    """One that is in use may well be a server of this project."""
    used = []
    for port, command in PORTS.items():
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                used.append(f"{port}, which `{command}` listens on")
    if used:
        return Finding(
            "warning",
            "ports",
            f"in use: {'; '.join(used)}",
            "it may be this project's own; else choose another --port",
        )
    return Finding("ok", "ports", "all are free")


def _ffmpeg() -> Finding:
    if shutil.which("ffmpeg"):
        return Finding("ok", "ffmpeg", "is here")
    return Finding("warning", "ffmpeg", "is not here; only films need it", "apt install ffmpeg")


def _data(params: Params) -> Finding:
    if not Path("data/manifest.parquet").exists():
        return Finding("warning", "data", "no pictures are here yet", "run `make repro`")
    report = Path("reports/validation.json")
    if not report.exists():
        return Finding("warning", "data", "nobody has validated them", "run `dvc repro validate`")
    splits = json.loads(report.read_text())["pictures"].values()
    count = sum(sum(split.values()) for split in splits)
    return Finding("ok", "data", f"{count} pictures are validated")


def _store(params: Params) -> Finding:
    uri = tracking_uri(params.registry)
    kind = "a server" if is_server(uri) else "on this machine"
    if not is_server(uri) and not Path(uri.removeprefix("sqlite:///")).exists():
        return Finding("warning", "store", "there is none yet", "run `make repro`")
    open_store(params.registry).search_registered_models(max_results=1)
    return Finding("ok", "store", f"it answers ({kind})")


def _champions(params: Params) -> Finding:
    """Is there one of each model, and is it what was registered?"""
    there = [name for name in params.models if has_champion(params.registry, name)]
    for name in there:
        verify(params, champion_uri(name))
    if missing := [name for name in params.models if name not in there]:
        return Finding(
            "warning",
            "champions",
            f"none of {', '.join(missing)}",
            "run `make repro`; until then, transfer paints with the base weights",
        )
    return Finding("ok", "champions", f"{', '.join(there)}: signatures and tags are good")
